"""The ledger's rows: entries, keys, tiles of the Merkle tree, signed checkpoints. Only `db/ledger` writes them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, TenantRow


class AuditEntryRow(TenantRow, Base):
    """One entry. Payloads are encrypted; the leaf holds their commitments. `seq` is the leaf's index in the tree."""

    __tablename__ = "audit_entry"

    type: Mapped[str]
    object_id: Mapped[UUID]
    occurred_at: Mapped[datetime]
    subject_id: Mapped[UUID | None]
    technical: Mapped[bytes]
    technical_commitment: Mapped[bytes]
    personal: Mapped[bytes | None]
    personal_commitment: Mapped[bytes | None]
    seq: Mapped[int | None] = mapped_column(BigInteger)
    leaf_hash: Mapped[bytes | None]

    __table_args__ = (
        CheckConstraint("(seq is null) = (leaf_hash is null)", name="sequenced"),
        CheckConstraint("(personal is null) = (personal_commitment is null)", name="personal_is_committed"),
        CheckConstraint("personal is null or subject_id is not null", name="personal_has_subject"),
        Index("ix_audit_entry_seq", "tenant_id", "seq", unique=True),
        Index("ix_audit_entry_object", "tenant_id", "object_id", "seq"),
        Index("ix_audit_entry_unsequenced", "tenant_id", "id", postgresql_where=text("seq is null")),
    )


class AuditKeyRow(Base):
    """The wrapped key and salt of one subject; the tenant's own has the tenant's id. Destroyed: `wrapped` is null."""

    __tablename__ = "audit_key"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    destroyed_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("(wrapped is null) = (destroyed_at is not null)", name="destroyed"),)


class AuditTileRow(Base):
    """Up to 256 hashes of one level of the tree (C2SP tlog-tiles: level 0 holds leaf hashes)."""

    __tablename__ = "audit_tile"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hashes: Mapped[bytes]


class AuditCheckpointRow(Base):
    """One signed statement of the log's size and root (C2SP tlog-checkpoint)."""

    __tablename__ = "audit_checkpoint"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    root: Mapped[bytes]
    note: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
