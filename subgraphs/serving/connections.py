"""Relay connections over keysets. In: `first` and `after`. Out: edges, nodes and page info.

A cursor is the sort key of its row, so that a page costs one index range however deep it lies. Refuses pages of
more than `MAX_PAGE` and cursors that are not ours.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
import strawberry
from strawberry.federation.schema_directives import ListSize

from subgraphs.serving.errors import BadInput

MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 20

Row = TypeVar("Row")
Node = TypeVar("Node")
Keyset = tuple[str, ...]


@dataclass(frozen=True)
class PageRequest:
    """`limit` rows past the row with the sort key `after`. A repository fetches `limit + 1` of them."""

    limit: int
    after: Keyset | None


@dataclass(frozen=True)
class Page(Generic[Row]):
    rows: tuple[Row, ...]
    has_next: bool


def page_request(first: int | None, after: str | None, keyset_length: int = 1) -> PageRequest:
    limit = DEFAULT_PAGE if first is None else first
    if not 1 <= limit <= MAX_PAGE:
        raise BadInput(f"Ask for 1 to {MAX_PAGE} at a time.", ("first",))
    return PageRequest(limit, None if after is None else read_cursor(after, keyset_length))


def page_of(rows: Sequence[Row], request: PageRequest) -> Page[Row]:
    """Cut the one row too many that tells whether there are more."""
    return Page(tuple(rows[: request.limit]), len(rows) > request.limit)


def cursor_of(keyset: Keyset) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(keyset)).rstrip(b"=").decode()


def read_cursor(text: str, keyset_length: int = 1) -> Keyset:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        keyset = msgspec.json.decode(raw, type=tuple[str, ...])
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, ValueError) as unreadable:
        raise BadInput("This cursor is not one of ours.", ("after",)) from unreadable
    if len(keyset) != keyset_length:
        raise BadInput("This cursor belongs to another list.", ("after",))
    return keyset


def uuid_after(request: PageRequest) -> UUID | None:
    """Where the page begins, in a list whose sort key is the id alone (ids of version 7 are in order of time)."""
    if request.after is None:
        return None
    try:
        return UUID(request.after[0])
    except ValueError as unreadable:
        raise BadInput("This cursor belongs to another list.", ("after",)) from unreadable


@strawberry.federation.type(shareable=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[Node]):
    cursor: str
    node: Node


@strawberry.type
class Connection(Generic[Node]):
    edges: list[Edge[Node]]
    nodes: list[Node]
    page_info: PageInfo


def connection_of(
    page: Page[Row], request: PageRequest, node: Callable[[Row], Node], keyset: Callable[[Row], Keyset]
) -> Connection[Node]:
    """The page as the graph shows it. The generic's concrete name comes from the field's annotation."""
    edges = [Edge(cursor=cursor_of(keyset(row)), node=node(row)) for row in page.rows]
    return Connection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=request.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def sized_list() -> list[Any]:
    """The directives of a connection's field: how long its lists can get, for whoever counts the cost."""
    return [
        ListSize(
            assumed_size=DEFAULT_PAGE,
            slicing_arguments=["first"],
            sized_fields=["edges", "nodes"],
            require_one_slicing_argument=False,
        )
    ]
