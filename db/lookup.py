"""Reads of rows by key, as statements that are built once. In: a table's row class and a column. Out: `rows(keys)`.

Building a SELECT and its ORM objects costs several times what PostgreSQL needs to answer it, and one answer of the
graph is made of a score of such reads. So the statement is a constant, its keys one array, and its rows are plain
tuples with the table's column names: read-only, known to no session.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import Column, ColumnElement, Table, UnaryExpression, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.base import Base

Row = TypeVar("Row", bound=Base)


def table_of(row: type[Base]) -> Table:
    """The table behind a row class. Its columns, unlike the class's attributes, take no way through the ORM."""
    return cast("Table", row.__table__)


def among(column: Column[Any], name: str = "keys") -> ColumnElement[bool]:
    """Whether the column is one of the array that is given as `name`."""
    return column == any_(bindparam(name, type_=ARRAY(column.type)))


class Lookup(Generic[Row]):
    """The rows of one table whose column `by` is among given keys, in `order`."""

    def __init__(self, row: type[Row], by: str = "id", order: Sequence[str] = ()) -> None:
        """`order`: names of columns, with a minus before those that fall."""
        table = table_of(row)
        self._statement = select(*table.c).where(among(table.c[by])).order_by(*(_place(table, name) for name in order))

    async def rows(self, session: AsyncSession, keys: Collection[object]) -> Sequence[Row]:
        found = await session.execute(self._statement, {"keys": list(keys)})
        # A tuple with the row's column names stands in for the row: it is only read.
        return cast("Sequence[Row]", found.all())


def _place(table: Table, name: str) -> Column[Any] | UnaryExpression[Any]:
    return table.c[name[1:]].desc() if name.startswith("-") else table.c[name]
