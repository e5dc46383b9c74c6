"""What an operation's active @defer's and @stream's come to, as data: what comes later, and what is fetched for it.

In: nothing. Out: frozen structs, part of a query plan. A *part* of an answer is what comes together: it is named by the
fragments that it belongs to, outermost only. What several fragments ask, and nothing before them, is a part of its own
that belongs to all of them, so that it is fetched and sent once. The later items of all streamed lists are one part.
"""

from __future__ import annotations

from msgspec import Struct

from gateway.plan.nodes import Node

Part = frozenset[int]
FIRST: Part = frozenset()
"""What comes at once: the part of no deferred fragment."""


class DeferredFragment(Struct, frozen=True):
    """One active @defer at one place of the operation. `parent`: the deferred fragment that it stands in, or 0."""

    id: int
    label: str | None = None
    parent: int = 0


class DeferHere(Struct, frozen=True):
    """A deferred fragment stands in the selections of an object, for objects of these types (empty: of all)."""

    fragment: int
    types: frozenset[str] = frozenset()


class StreamHere(Struct, frozen=True):
    """One active @stream: of its list so many items come at once, the others later.

    id: counted down from -1, so that a part may name fragments and streams alike.
    initial: the number, or the variable that holds it.
    """

    id: int
    initial: int | str
    label: str | None = None


class DeferredPart(Struct, frozen=True):
    """What is fetched for one part. It may begin when one of its fragments may and the parts `after` have come.

    The node of the part of streams is the plan's own, to be run for what stands in later items and for nothing else.
    """

    part: Part
    node: Node
    after: tuple[Part, ...] = ()


class Deferral(Struct, frozen=True):
    """All deferred fragments by id, beginning with 1, the streamed lists, and the parts that need fetches."""

    fragments: tuple[DeferredFragment, ...]
    parts: tuple[DeferredPart, ...]
    streams: tuple[StreamHere, ...] = ()
