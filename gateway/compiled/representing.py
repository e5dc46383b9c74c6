"""How a program makes representations: of plain values by a struct, of others by a function of their own.

A representation is the generic executor's, byte for byte, so that an answer to the one is one to the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.compiled.positions import Member, NotCompilable, Position
from gateway.compiled.structs import Fields
from gateway.execution.representations import picked
from gateway.plan.nodes import EntityInput, RequiredField, RequiredFragment
from gateway.plan.shape import Listing, Slot

Required = Sequence[RequiredField | RequiredFragment]
INDENT = "    "


def plain_fields(wanted: EntityInput, positions: Sequence[Position]) -> list[RequiredField] | None:
    """Its fields, if all are single values. The positions are of one type."""
    found = list(_for_type(wanted.requires, positions[0].type_name))
    if not found:
        raise NotCompilable("a representation of nothing")
    names = [each.name for each in found]
    if len(set(names)) < len(names):
        raise NotCompilable("a representation with a field twice")
    plain = all(not each.selections and _is_single(at.members[each.source]) for each in found for at in positions)
    return found if plain else None


def key_of(required: list[RequiredField], here: Fields) -> str:
    parts = [f"o.{here.attributes[each.source]}" for each in required]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def representing(
    name: str,
    wanted: EntityInput,
    position: Position,
    type_name: str,
    positions: Mapping[int, Fields],
    names: dict[str, Any],
) -> list[str]:
    """The text of a function: an object in, its representation's JSON out, or None where it has nothing to say."""
    required = list(_for_type(wanted.requires, position.type_name))
    lines = [f"def {name}(o):"]
    for number, each in enumerate(required):
        lines.append(f"{INDENT}v{number} = {_value('o', each, position, positions, names, number * 100)}")
    nothing = " and ".join(f"v{number} is None" for number in range(len(required)))
    fields = ", ".join(f'"{each.name}": v{number}' for number, each in enumerate(required))
    lines.append(f"{INDENT}if {nothing}: return None")
    # What was never given is no JSON, and a surprise.
    lines.append(f'{INDENT}return encode({{"__typename": "{type_name}", {fields}}})')
    return lines


def _value(
    holder: str,
    each: RequiredField,
    position: Position,
    positions: Mapping[int, Fields],
    names: dict[str, Any],
    level: int,
) -> str:
    member = position.members[each.source]
    value = f"{holder}.{positions[position.number].attributes[each.source]}"
    if not each.selections:
        return value
    if not member.children:
        # Nobody but the plan sees it: it is as it came.
        name = f"selections{len(names)}"
        names[name], names["picked"] = each.selections, picked
        return f"picked({value}, {name})"
    assert member.shown is not None
    (child,) = member.children
    return _of_slot(member.shown.slot, value, each, child, positions, names, level)


def _of_slot(
    slot: Slot,
    value: str,
    each: RequiredField,
    child: Position,
    positions: Mapping[int, Fields],
    names: dict[str, Any],
    level: int,
) -> str:
    held = f"c{level}"
    if isinstance(slot.value, Listing):
        inner = _of_slot(slot.value.item, f"i{level}", each, child, positions, names, level + 1)
        text = f"[{inner} for i{level} in {held}]"
    else:
        fields = [
            f'"{below.name}": {_value(held, below, child, positions, names, level + 1)}'
            for below in _for_type(each.selections, child.type_name)
        ]
        told = [f'"__typename": "{child.type_name}"'] if child.base in child.named_by else []
        text = f"{{{', '.join([*told, *fields])}}}"
    return f"(None if ({held} := {value}) is None else {text})"


def _for_type(required: Required, type_name: str) -> Iterator[RequiredField]:
    for each in required:
        if isinstance(each, RequiredField):
            yield each
        elif type_name in each.types:
            yield from _for_type(each.selections, type_name)


def _is_single(member: Member) -> bool:
    """Not a list, which is no key of a dict; what only the plan reads may be anything."""
    return member.shown is None or not isinstance(member.shown.slot.value, Listing)
