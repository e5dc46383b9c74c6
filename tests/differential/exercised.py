"""What an operation exercised, as its subgraphs saw it. In: a field, a key, a place. Out: names to count."""

from __future__ import annotations

from collections.abc import Iterator

from tests.differential.field_sets import Picks
from tests.differential.house import KEY_PARTS, FieldOf, House, Key, Thing
from tests.differential.keys import TYPES as KEY_TYPES


def of_key(key: Key) -> Iterator[str]:
    """An entity was asked for by this key."""
    if len(key.fields) > 1:
        yield "key of several fields"
    for name in key.fields:
        if name in KEY_PARTS:
            yield "key with an object in it"
        elif name == "tags":
            yield "key with a list in it"


def of_field(house: House, parent: str, made: FieldOf, is_own: bool) -> Iterator[str]:
    """A subgraph resolved the field of this type; not its own: a parent provided it."""
    if not is_own:
        yield "provided field"
        return
    if made.lost:
        yield "override with a label" if made.label else "override"
    if made.arguments:
        yield "arguments"
    if made.requires:
        yield "requires"
        yield from _of_requires(house, parent, made.requires)
    if parent == "W":
        yield "value that differs by subgraph"
    if parent == "Mutation":
        yield "mutation"
    if made.name in house.added:
        yield "interface object's field"
        if made.requires:
            yield "requires of an interface object"
    if made.named in house.abstracts:
        yield "interface" if made.named == "I" else "union"
    if len(made.owners) > 1 and parent == "Query":
        yield "shared root"
    if any(pick.on or pick.inner for pick in made.provides):
        yield "provides below or on abstract types"


def _of_requires(house: House, parent: str, picks: Picks) -> Iterator[str]:
    for pick in picks:
        if pick.arguments:
            yield "requires with arguments"
        if pick.on:
            yield "requires of abstract types"
            yield from _of_requires(house, pick.on, pick.inner)
            continue
        thing = house.things.get(parent)
        made = thing.fields.get(pick.name) if thing else None
        if made is None:
            continue
        if made.requires:
            yield "requires of what requires"
        if pick.inner:
            yield "requires through objects"
            yield from _of_requires(house, made.named, pick.inner)


def of_link(subgraph: str, target: Thing | None) -> Iterator[str]:
    """A subgraph handed out an object of the type."""
    if target is not None and target.kind == "entity" and subgraph not in target.homes:
        yield "key that is not resolvable"


def is_hop(names: set[str]) -> bool:
    """Whether a request asked entities for nothing but other keys."""
    return bool(names) and names <= {*KEY_TYPES, "org", "a", "b"}
