"""Jobs: the truth about work that outlives a request."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import Base, TenantRow, refers_to


class JobRow(TenantRow, Base):
    """One job. `lease_token` grows by one with each lease: only the newest may write."""

    __tablename__ = "job"

    kind: Mapped[str]
    subject_id: Mapped[UUID]
    payload: Mapped[dict[str, object]]
    requested_by: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(server_default="QUEUED")
    attempts: Mapped[int] = mapped_column(server_default="0")
    max_attempts: Mapped[int] = mapped_column(server_default="5")
    lease_token: Mapped[int] = mapped_column(BigInteger, server_default="0")
    lease_until: Mapped[datetime | None]
    stage: Mapped[str] = mapped_column(server_default="")
    unit: Mapped[str] = mapped_column(server_default="")
    done: Mapped[int] = mapped_column(BigInteger, server_default="0")
    total: Mapped[int] = mapped_column(BigInteger, server_default="0")
    result: Mapped[dict[str, object] | None]
    problem: Mapped[dict[str, object] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    woken_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("state in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED')", name="state"),
        Index("ix_job_subject", "tenant_id", "subject_id"),
        Index("ix_job_open", "woken_at", postgresql_where=text("state in ('QUEUED', 'RUNNING')")),
    )


class JobPieceRow(Base):
    """A piece of a job that is finished, whatever becomes of the worker. `facts` are what the rest needs of it."""

    __tablename__ = "job_piece"

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    job_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    facts: Mapped[dict[str, object]]
    finished_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (refers_to("job", "job_id"),)
