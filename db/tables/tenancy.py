"""Workspaces and who may enter them: members, devices, API keys, and the count of failed sign-ins.

A workspace is a tenant: its `id` is its `tenant_id`. A person who belongs to two workspaces is two members: so row
security holds, and each workspace keeps its own names, roles and passwords.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, TenantRow, refers_to


class WorkspaceRow(TenantRow, Base):
    """One workspace. Only an operator makes one, so its slug, unique over all tenants, tells a tenant nothing."""

    __tablename__ = "workspace"

    slug: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("tenant_id", name="uq_workspace_tenant_id"),
        CheckConstraint("id = tenant_id", name="is_a_tenant"),
        CheckConstraint("slug ~ '^[a-z0-9][a-z0-9-]{1,62}$'", name="slug"),
        Index("ix_workspace_slug", "slug", unique=True),
    )


class MemberRow(TenantRow, Base):
    """A person in a workspace. INVITED: has a token and no password yet. SUSPENDED: cannot sign in."""

    __tablename__ = "member"

    email: Mapped[str]
    name: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[str]
    password_hash: Mapped[str | None]
    invitation_sha256: Mapped[bytes | None]
    invitation_expires_at: Mapped[datetime | None]
    idempotency_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["workspace.tenant_id"], name="fk_member_workspace"),
        CheckConstraint("state in ('INVITED', 'ACTIVE', 'SUSPENDED')", name="state"),
        CheckConstraint("email = lower(email)", name="email"),
        CheckConstraint("cardinality(roles) > 0", name="roles"),
        CheckConstraint("state <> 'ACTIVE' or password_hash is not null", name="active_has_password"),
        UniqueConstraint("tenant_id", "email", name="uq_member_email"),
        UniqueConstraint("tenant_id", "idempotency_key", name="uq_member_idempotency_key"),
    )


class DeviceRow(TenantRow, Base):
    """A scanner or an edge server that sends scans. Its keys are API keys with its `device_id`."""

    __tablename__ = "device"

    name: Mapped[str]
    kind: Mapped[str]
    serial_number: Mapped[str]
    registered_by: Mapped[UUID | None]
    retired_at: Mapped[datetime | None]
    idempotency_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["workspace.tenant_id"], name="fk_device_workspace"),
        refers_to("member", "registered_by"),
        CheckConstraint("kind in ('SCANNER', 'EDGE_SERVER')", name="kind"),
        UniqueConstraint("tenant_id", "serial_number", name="uq_device_serial_number"),
        UniqueConstraint("tenant_id", "idempotency_key", name="uq_device_idempotency_key"),
    )


class ApiKeyRow(TenantRow, Base):
    """One API key: the prefix finds it, the SHA-256 of its secret proves it. It acts for one member or one device."""

    __tablename__ = "api_key"

    prefix: Mapped[str]
    secret_sha256: Mapped[bytes]
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    member_id: Mapped[UUID | None]
    device_id: Mapped[UUID | None]
    created_by: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    replaces_id: Mapped[UUID | None]
    idempotency_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        refers_to("member", "member_id"),
        refers_to("device", "device_id"),
        refers_to("member", "created_by"),
        refers_to("api_key", "replaces_id"),
        CheckConstraint("num_nonnulls(member_id, device_id) = 1", name="one_holder"),
        CheckConstraint("octet_length(secret_sha256) = 32", name="secret"),
        # Random, 60 bits: unique over all tenants, so that a key finds its tenant; nobody can guess one to probe.
        Index("ix_api_key_prefix", "prefix", unique=True),
        Index("ix_api_key_device", "tenant_id", "device_id"),
        UniqueConstraint("tenant_id", "idempotency_key", name="uq_api_key_idempotency_key"),
    )


class SignInFailureRow(Base):
    """Failed sign-ins for one address, whether or not a member has it: being locked out tells nothing."""

    __tablename__ = "sign_in_failure"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    email_sha256: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]

    __table_args__ = (Index("ix_sign_in_failure_last_at", "tenant_id", "last_at"),)
