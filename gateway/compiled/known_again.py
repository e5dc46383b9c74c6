"""How a program takes what a subgraph has told of an object before, in place of asking for it by key.

In: an input with the places where its objects may be known, and the answer's positions. Out: lines of text that make
`known2_0`, the entities of those of `keys2_0` that are known, and take them out of `keys2_0`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.compiled.positions import Layout, NotCompilable, Position, positions_at
from gateway.compiled.structs import Fields
from gateway.plan.nodes import EntityInput, KnownAt, RequiredField

INDENT = "    "


class Known(NamedTuple):
    """Objects that are looked at, and what is read of them."""

    at: KnownAt
    position: Position


def known_of(wanted: EntityInput, root: Position) -> list[Known]:
    """The places of the input that the answer has under these conditions."""
    return [Known(at, each) for at in wanted.known_at for each in _positions(root, at, wanted) if _has(each, at)]


def positions_known(layout: Layout) -> set[int]:
    """The positions whose objects are looked at."""
    inputs = [several[0].givers[0].wanted for inputs in layout.asked.values() for several in inputs]
    return {known.position.number for each in inputs if each is not None for known in known_of(each, layout.root)}


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
        # All that the input may ask, whatever conditions hold; a key that is one value and is asked about is there.
        there = [*(here[held] for _, held in at.fields), *(key if len(key) > 1 else ())]
        told = " and ".join(f"{each} is not None and {each} is not UNSET" for each in dict.fromkeys(there))
        # The first of its key counts, as in the order of the answer.
        objects = f"for o in reversed(at{position.number}) if {one} in keys{name} and {told}"
        made = f"{{{one}: Given{name}({entity}) {objects}}}"
        yield f"known{name} = {made}" if number == 0 else f"known{name} |= {made}"
    yield f"for k in known{name}: del keys{name}[k]"


def _has(position: Position, at: KnownAt) -> bool:
    if not all(held in position.members for _, held in (*at.key, *at.fields)):
        return False
    if any(position.members[held].shown is None for _, held in at.fields):
        # What no client sees is not checked when it is read.
        raise NotCompilable("objects that may be known by what only the plan reads")
    return True


def _positions(root: Position, at: KnownAt, wanted: EntityInput) -> list[Position]:
    """Those of the type that is asked about, or of which no type is told."""
    return [each for each in positions_at(root, at.path) if each.type_name == wanted.typename_as or not each.by_type]
