"""What every table is made of: the metadata with its naming convention, and the shape of a tenant's row.

A tenant's table leads its primary key and its foreign keys with `tenant_id`, so that a row can never point at another
tenant's. Row security is switched on by the migration: `db.row_security.enable_tenancy`.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, MetaData, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The root of all rows."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it as a plain class attribute
        datetime: DateTime(timezone=True),
        dict[str, object]: JSONB,
        str: Text,
    }


class TenantRow:
    """Mixin: the two columns that lead every tenant's table and are its primary key."""

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, sort_order=-2)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, sort_order=-1)


def refers_to(table: str, column: str, ondelete: str | None = None) -> ForeignKeyConstraint:
    """The composite foreign key from `(tenant_id, column)` to `table`'s `(tenant_id, id)`."""
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete=ondelete)
