"""Tables of twin: versions as a graph without cycles, and the refs that point into it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, TenantRow, refers_to


class TwinRow(TenantRow, Base):
    """The digital twin of one asset."""

    __tablename__ = "twin"

    asset_id: Mapped[UUID]
    created_at: Mapped[datetime]

    __table_args__ = (
        refers_to("asset", "asset_id"),
        UniqueConstraint("tenant_id", "asset_id", name="uq_twin_asset"),
    )


class TwinVersionRow(TenantRow, Base):
    """One state of a twin: canonical content, its hash, and what it was made from. Never changed."""

    __tablename__ = "twin_version"

    twin_id: Mapped[UUID]
    content: Mapped[str]
    content_hash: Mapped[str] = mapped_column(CHAR(64))
    message: Mapped[str]
    author_id: Mapped[UUID | None]
    idempotency_key: Mapped[str]
    scan_id: Mapped[UUID | None]
    alignment_id: Mapped[UUID | None]
    inspection_id: Mapped[UUID | None]
    decision_id: Mapped[UUID | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        refers_to("twin", "twin_id"),
        refers_to("member", "author_id"),
        ForeignKeyConstraint(
            ["tenant_id", "scan_id", "alignment_id"], ["alignment.tenant_id", "alignment.scan_id", "alignment.id"]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "inspection_id", "decision_id"],
            ["qc_decision.tenant_id", "qc_decision.inspection_id", "qc_decision.id"],
        ),
        CheckConstraint(
            "num_nonnulls(scan_id, alignment_id, inspection_id, decision_id) in (0, 4)", name="provenance_whole"
        ),
        # A version of another twin cannot be a parent or a head: those keys name the twin too.
        UniqueConstraint("tenant_id", "twin_id", "id", name="uq_twin_version_twin"),
        UniqueConstraint("tenant_id", "twin_id", "idempotency_key", name="uq_twin_version_idempotency_key"),
        UniqueConstraint("tenant_id", "decision_id", name="uq_twin_version_decision"),
        Index("ix_twin_version_newest", "tenant_id", "twin_id", text("created_at desc"), text("id desc")),
        Index("ix_twin_version_scan", "tenant_id", "scan_id", text("created_at desc"), text("id desc")),
    )


class TwinVersionParentRow(Base):
    """An edge of the graph: `version_id` came from `parent_id`. The first parent is the one whose ref moved."""

    __tablename__ = "twin_version_parent"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    twin_id: Mapped[UUID]
    parent_id: Mapped[UUID]

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "twin_id", "version_id"],
            ["twin_version.tenant_id", "twin_version.twin_id", "twin_version.id"],
        ),
        ForeignKeyConstraint(
            ["tenant_id", "twin_id", "parent_id"],
            ["twin_version.tenant_id", "twin_version.twin_id", "twin_version.id"],
        ),
        UniqueConstraint("tenant_id", "version_id", "parent_id", name="uq_twin_version_parent_once"),
        # A parent is there before its child and neither changes, so this is the only cycle that could be.
        CheckConstraint("parent_id <> version_id", name="not_itself"),
    )


class TwinRefRow(Base):
    """A name that points at a version and moves only from the head that the mover expected."""

    __tablename__ = "twin_ref"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    twin_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    head_id: Mapped[UUID]
    moved_at: Mapped[datetime]

    __table_args__ = (
        refers_to("twin", "twin_id"),
        ForeignKeyConstraint(
            ["tenant_id", "twin_id", "head_id"],
            ["twin_version.tenant_id", "twin_version.twin_id", "twin_version.id"],
        ),
    )
