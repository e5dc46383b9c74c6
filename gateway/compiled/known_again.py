"""How a program takes what a subgraph has told of an object before, in place of asking for it by key.

In: an input with the places where its objects may be known, and the answer's positions. Out: lines of text that make
`known2_0`, the entities of those of `keys2_0` that are known, and take them out of `keys2_0`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.compiled.positions import Asked, Layout, NotCompilable, Position
from gateway.compiled.structs import Fields
from gateway.plan.nodes import EntityInput, KnownAt, RequiredField, Step

INDENT = "    "


class Known(NamedTuple):
    """Objects that are looked at, and what is read of them."""

    at: KnownAt
    position: Position


def known_of(wanted: EntityInput, root: Position) -> list[Known]:
    """The places of the input that the answer has under these conditions."""
    found = [(at, _position(root, at.path)) for at in wanted.known_at]
    return [Known(at, position) for at, position in found if position is not None and _has(position, at)]


def positions_known(layout: Layout) -> set[int]:
    """The positions whose objects are looked at."""
    inputs = {id(wanted): wanted for asked in _asked_of(layout) for wanted in _wanted(asked)}
    return {known.position.number for wanted in inputs.values() for known in known_of(wanted, layout.root)}


def taking_known(
    name: str, places: Sequence[Known], fields: Sequence[RequiredField], given: Fields, positions: Mapping[int, Fields]
) -> Iterator[str]:
    """The lines. `fields`: of a representation; `given`: how entities are read."""
    for number, (at, position) in enumerate(reversed(places)):
        here = {key: f"o.{attribute}" for key, attribute in positions[position.number].attributes.items()}
        key = [here[dict(at.key)[each.name]] for each in fields]
        values = {asked: here[held] for asked, held in at.fields if asked in given.attributes}
        entity = ", ".join(f"{given.attributes[asked]}={value}" for asked, value in values.items())
        one = key[0] if len(key) == 1 else f"({', '.join(key)})"
        # A key that is one value and is asked about is there.
        there = [*values.values(), *(key if len(key) > 1 else ())]
        told = " and ".join(f"{each} is not None and {each} is not UNSET" for each in there)
        # The first of its key counts, as in the order of the answer.
        objects = f"for o in reversed(at{position.number}) if {one} in keys{name} and {told}"
        made = f"{{{one}: Given{name}({entity}) {objects}}}"
        yield f"known{name} = {made}" if number == 0 else f"known{name} |= {made}"
    yield f"for k in known{name}: del keys{name}[k]"


def _has(position: Position, at: KnownAt) -> bool:
    return all(held in position.members for _, held in (*at.key, *at.fields))


def _position(root: Position, path: Sequence[Step]) -> Position | None:
    found = root
    for step in path:
        member = found.members.get(step.key)
        if member is None or member.shown is None:
            return None
        if len(member.children) != 1 or member.by_type:
            raise NotCompilable("objects of several types that may be known")
        (found,) = member.children
    return found


def _asked_of(layout: Layout) -> Iterator[Asked]:
    return (asked for inputs in layout.asked.values() for several in inputs for asked in several)


def _wanted(asked: Asked) -> Iterator[EntityInput]:
    return (giver.wanted for giver in asked.givers if giver.wanted is not None)
