"""Connections over lists that are kept newest first."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from subgraphs.inspection.model import NewestFirst
from subgraphs.serving.connections import Connection, PageRequest, connection_of, page_of, page_request
from subgraphs.serving.errors import BadInput
from subgraphs.serving.scalars import moment_text

Row = TypeVar("Row")
Node = TypeVar("Node")


def newest_first(first: int | None, after: str | None) -> tuple[PageRequest, NewestFirst]:
    """What was asked, as the faces and as the repository say it."""
    request = page_request(first, after, keyset_length=2)
    if request.after is None:
        return request, NewestFirst(request.limit)
    try:
        moment, key = request.after
        return request, NewestFirst(request.limit, (datetime.datetime.fromisoformat(moment), UUID(key)))
    except ValueError as unreadable:
        raise BadInput("This cursor belongs to another list.", ("after",)) from unreadable


def newest_connection(
    rows: Sequence[Row],
    request: PageRequest,
    node: Callable[[Row], Node],
    place: Callable[[Row], tuple[datetime.datetime, UUID]],
) -> Connection[Node]:
    """The rows as a page; `place` is a row's time and id."""

    def keyset(row: Row) -> tuple[str, str]:
        moment, key = place(row)
        return moment_text(moment), str(key)

    return connection_of(page_of(rows, request), request, node, keyset)
