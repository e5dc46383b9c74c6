"""Rows that wait to leave, and the last cursor given in each stream."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, TenantRow


class OutboxRow(TenantRow, Base):
    """A job's wake-up or an event. `cursor` is given by the relay, in the order of publishing; jobs have none."""

    __tablename__ = "outbox"

    kind: Mapped[str]
    topic: Mapped[str]
    key: Mapped[UUID]
    type: Mapped[str]
    payload: Mapped[dict[str, object]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    cursor: Mapped[int | None] = mapped_column(BigInteger)
    published_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("kind in ('job', 'event')", name="kind"),
        CheckConstraint("kind = 'event' or cursor is null", name="jobs_have_no_cursor"),
        Index("ix_outbox_cursor", "tenant_id", "topic", "cursor", unique=True),
        Index("ix_outbox_unpublished", "id", postgresql_where=text("published_at is null")),
    )


class OutboxCursorRow(Base):
    """The last cursor given in one tenant's topic. Its row lock makes cursor order the order of commits."""

    __tablename__ = "outbox_cursor"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
