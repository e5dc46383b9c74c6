"""One `msgspec.Struct` for each position of an answer: exactly what is asked, in the client's order.

In: a layout. Out: the structs, and under which attribute each key is found. A key that only the plan reads stands in
the struct, too; it is unset before the answer is written. What another fetch brings is None until it is set. Decoding
checks the types of leaves: what does not fit raises, and is a surprise. Objects of several types are left as bytes at
first, and read when their type is known.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from gateway.compiled.positions import Asked, Giver, Layout, Member, Position
from gateway.compiled.struct_types import Entry, struct_type
from gateway.plan.shape import Leaf, Listing, Object, Slot

_INT = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
_BUILT_IN: dict[str, Any] = {"String": str, "ID": str, "Boolean": bool, "Int": _INT, "Float": int | float}
_ANYTHING: Any = str | int | float | bool | list[Any] | dict[str, Any]
"""A value of a scalar that is not ours to check: anything but null."""


@dataclass(slots=True)
class Fields:
    """A struct. attributes: by key. hidden: those to unset before the answer is written."""

    type: type[Struct]
    attributes: dict[str, str]
    hidden: list[str]


@dataclass(slots=True)
class Structs:
    """hosted: the subgraphs whose answers are values already, not bytes.

    positions: by number. given: what is brought of the objects asked about, by the first who reads it.
    answers: by fetch id.
    """

    hosted: Collection[str]
    positions: dict[int, Fields] = field(default_factory=dict)
    given: dict[Giver, Fields] = field(default_factory=dict)
    answers: dict[int, type[Struct]] = field(default_factory=dict)


def structs_of(layout: Layout, hosted: Collection[str] = ()) -> Structs:
    found = Structs(hosted)
    # Deepest first: an object's struct names those of the objects in it.
    for position in reversed(layout.positions):
        found.positions[position.number] = _of_position(position, found)
    for fetch_id, inputs in layout.asked.items():
        for asked in (each for several in inputs for each in several):
            found.given |= {reading[0]: _of_reading(reading, found) for reading in asked.readings}
        if inputs[0][0].givers[0].wanted is None:
            found.answers[fetch_id] = _answer(found.given[inputs[0][0].givers[0]].type)
        else:
            entries: list[Entry] = [
                (_alias(several[0]), list[_entity(several, found)], msgspec.NODEFAULT)  # type: ignore[misc]
                for several in inputs
            ]
            found.answers[fetch_id] = _answer(struct_type("Entities", entries))
    return found


def _alias(asked: Asked) -> str:
    wanted = asked.givers[0].wanted
    assert wanted is not None
    return wanted.alias


def _entity(several: list[Asked], structs: Structs) -> Any:
    """Which of several types it is one only knows by its place among the representations."""
    if len(several) == 1 and len(several[0].readings) == 1:
        return structs.given[several[0].givers[0]].type | None
    return Any if several[0].givers[0].fetch.subgraph in structs.hosted else Raw


def _answer(data: type[Struct]) -> type[Struct]:
    return struct_type("Answer", [("data", data | None, None), ("errors", list[Any] | None, None)])


def _of_position(position: Position, structs: Structs) -> Fields:
    entries: list[Entry] = []
    names: dict[str, str] = {}
    attributes: dict[str, str] = {}
    hidden: list[str] = []
    for number, member in enumerate(position.members.values()):
        attribute = attributes[member.key] = f"f{number}"
        names[attribute] = member.key
        if member.shown is None:
            hidden.append(attribute)
            entries.append((attribute, Any | UnsetType, UNSET))
        elif member.shown.typename:
            entries.append((attribute, Literal[position.type_name], position.type_name))
        elif member.givers and member.givers[0] is position.base:
            entries.append((attribute, *_brought(member, member.givers[0], structs)))
        else:
            entries.append((attribute, Any, None))
    if position.base in position.named_by and not position.by_type and "__typename" not in names.values():
        hidden.append("named")
        names["named"] = "__typename"
        entries.append(("named", Literal[position.type_name] | UnsetType, UNSET))
    # By name: which of several types an object is, is told by its struct.
    return Fields(struct_type(position.type_name, entries, names, kw_only=True), attributes, hidden)


def _of_reading(reading: list[Giver], structs: Structs) -> Fields:
    """What is brought of the objects themselves."""
    giver = reading[0]
    entries: list[Entry] = []
    names: dict[str, str] = {}
    attributes: dict[str, str] = {}
    for number, key in enumerate(giver.keys):
        members = [each.position.members[key] for each in reading]
        attribute = attributes[key] = f"f{number}"
        names[attribute] = key
        shown = next((each for each in members if each.shown is not None), None)
        entries.append((attribute, Any, UNSET) if shown is None else (attribute, *_brought(shown, giver, structs)))
    if giver in giver.position.named_by:
        names["named"] = "__typename"
        entries.append(("named", Literal[giver.position.type_name], giver.position.type_name))
    return Fields(struct_type(giver.position.type_name, entries, names, kw_only=True), attributes, [])


def _brought(member: Member, giver: Giver, structs: Structs) -> tuple[Any, Any]:
    """The type of what a fetch brings, and its default: what may not be null, or goes on to others, must be there."""
    assert member.shown is not None
    slot = member.shown.slot
    child: Any = None
    if member.children:
        unread = Any if giver.fetch.subgraph in structs.hosted else Raw
        child = unread if member.by_type or member.by_text else structs.positions[member.children[0].number].type
    return (_type(slot, child), None if slot.nullable and not member.is_read else msgspec.NODEFAULT)


def _type(slot: Slot, child: Any) -> Any:
    match slot.value:
        case Leaf() as leaf:
            found = _leaf(leaf, slot.nullable)
        case Listing(item=item):
            found = list[_type(item, child)]  # type: ignore[misc]
        case Object():
            found = child
    # Raw takes null as any other value.
    return found | None if slot.nullable and found is not Any and found is not Raw else found


def _leaf(leaf: Leaf, nullable: bool) -> Any:
    if leaf.values is not None:
        return Literal[tuple(sorted(leaf.values))]
    known = _BUILT_IN.get(leaf.type_name)
    return known or (Any if nullable else _ANYTHING)
