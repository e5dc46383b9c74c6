"""Which objects of the response tree come later, because they stand in a later item of a streamed list.

In: the shape of the answer, the streams and the variables; then places. Out: whether a fetch is about them now. While
what comes at once is fetched, nothing is asked for later items; then the same fetches run for those alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.execution.places import Place, TreePath
from gateway.execution.projection import typename_of
from gateway.execution.response import ResponsePath
from gateway.plan.deferral import FIRST, Part, StreamHere
from gateway.plan.shape import Leaf, Listing, Object

_ABSENT = object()
"""What no fetch has given."""


class LaterItems:
    """`counts`: how many items of each streamed list come at once, by the stream's id."""

    def __init__(self, shape: Object, streams: tuple[StreamHere, ...], variables: Mapping[str, object]) -> None:
        self._shape = shape
        self.counts = {each.id: initial_count(each, variables) for each in streams}

    def holds(self, tree: Mapping[str, object], path: TreePath) -> bool:
        """Whether what stands at `path` in the response tree comes later."""
        shape: Leaf | Listing | Object = self._shape
        here: object = tree
        for step in path:
            if isinstance(step, str):
                if not isinstance(shape, Object) or not isinstance(here, dict):
                    return False
                typename = typename_of(shape, here)
                slot = next(
                    (
                        field.slot
                        for field in shape.fields
                        if field.source == step and (not field.types or typename in field.types)
                    ),
                    None,
                )
                if slot is None:
                    return False
                shape, here = slot.value, here.get(step)
            else:
                if not isinstance(shape, Listing) or not isinstance(here, list):
                    return False
                if self._is_later(shape, step):
                    return True
                shape, here = shape.item.value, here[step]
        return False

    def part_of(self, tree: Mapping[str, object], path: ResponsePath) -> Part:
        """The part with which a place of the client's answer comes, or the null that took it along."""
        part: Part = FIRST
        shape: Leaf | Listing | Object = self._shape
        here: object = tree
        for step in path:
            if here is None:
                break
            if isinstance(shape, Object):
                field = next((each for each in shape.fields if each.key == step), None)
                if field is None:
                    break
                part, shape = field.part or part, field.slot.value
                here = here.get(field.source, _ABSENT) if isinstance(here, dict) else _ABSENT
            elif isinstance(shape, Listing) and isinstance(step, int):
                stands = isinstance(here, list) and step < len(here)
                if stands and part == FIRST and shape.stream and self._is_later(shape, step):
                    part = frozenset((shape.stream.id,))
                shape, here = shape.item.value, here[step] if stands else _ABSENT  # type: ignore[index]
            else:
                break
        return part

    def _is_later(self, listing: Listing, index: int) -> bool:
        count = self.counts.get(listing.stream.id) if listing.stream else None
        return count is not None and index >= count


class Window(NamedTuple):
    """The places that fetches are about: those that come at once, or those in later items."""

    items: LaterItems
    later: bool

    def has(self, tree: Mapping[str, object], place: Place) -> bool:
        return self.items.holds(tree, place.path) is self.later


def initial_count(stream: StreamHere, variables: Mapping[str, object]) -> int:
    value = variables.get(stream.initial) if isinstance(stream.initial, str) else stream.initial
    return value if isinstance(value, int) else 0
