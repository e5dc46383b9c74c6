"""Which objects are one object many times over: those of a position that their own fetch tells by plain values alone.

All else of such an object comes from fetches that ask by these values, so that objects which agree in them agree in
everything. They are asked about, filled and rendered once, however often they stand in the answer.
In: a member that holds such objects. Out: the text that gathers each once, and the text that puts what was rendered in
all their places. Its variables: at position 3 `same3` has each object by its values.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.compiled.positions import Member, Position
from gateway.compiled.structs import Fields
from gateway.plan.shape import Leaf, Listing, Slot

# Values of one type, and of one spelling for each value: 1 and 1.0 are the same number, and are not written the same.
_SPELT_ONE_WAY = frozenset({"Boolean", "ID", "Int", "String"})
INDENT = "    "


class Merging(NamedTuple):
    """gathering: sets `at3`. rendering: for the end, when everything has been set."""

    gathering: list[str]
    rendering: list[str]


def merging(holder: Member, parents: str, attribute: str, copied: bool, here: Fields) -> Merging | None:
    """`copied`: what the parents hold is set on other objects before the end."""
    assert holder.shown is not None
    position, lists = holder.children[0], depth(holder.shown.slot)
    told = _told_apart_by(holder, position, here)
    # A list is changed where it is, whoever holds it.
    if told is None or lists > 1 or (copied and lists == 0):
        return None
    number, is_hidden = position.number, not set(told).isdisjoint(here.hidden)
    if lists:
        return _in_lists(number, told, parents, attribute)
    return _one_by_one(number, told, parents, attribute, is_hidden)


def _one_by_one(number: int, told: list[str], parents: str, attribute: str, is_hidden: bool) -> Merging:
    held = f"o.{attribute}"
    key = _values(told, held)
    gathering = [f"from{number} = [o for o in {parents} if {held} is not None]"]
    filling = f"for o in from{number}: {held} = texts{number}[{key}]"
    if is_hidden:
        # What is hidden is unset by then.
        gathering.append(f"key{number} = [{key} for o in from{number}]")
        filling = f"for o, k in zip(from{number}, key{number}): {held} = texts{number}[k]"
    gathering += [
        f"same{number} = {{{key}: {held} for o in from{number}}}",
        f"are_alike{number} = 2 * len(same{number}) <= len(from{number})",
        f"at{number} = list(same{number}.values()) if are_alike{number} else [{held} for o in from{number}]",
    ]
    return Merging(gathering, _rendered(number, [filling]))


def _in_lists(number: int, told: list[str], parents: str, attribute: str) -> Merging:
    lists = f"[o.{attribute} for o in {parents} if o.{attribute} is not None]"
    gathering = [
        f"at{number} = [v for l in {lists} for v in l if v is not None]",
        f"key{number} = [{_values(told, 'v')} for v in at{number}]",
        f"same{number} = dict(zip(key{number}, at{number}))",
        f"are_alike{number} = 2 * len(same{number}) <= len(at{number})",
        f"if are_alike{number}: at{number} = list(same{number}.values())",
    ]
    filling = [
        f"next{number} = iter(key{number}).__next__",
        f"for l in {lists}: l[:] = [None if v is None else texts{number}[next{number}()] for v in l]",
    ]
    return Merging(gathering, _rendered(number, filling))


def _rendered(number: int, filling: list[str]) -> list[str]:
    texts = f"texts{number} = {{k: Raw(encode(v)) for k, v in same{number}.items()}}"
    return [f"if are_alike{number}:", *(INDENT + line for line in (texts, *filling))]


def _values(told: list[str], held: str) -> str:
    return f"{held}.{told[0]}" if len(told) == 1 else f"({', '.join(f'{held}.{each}' for each in told)})"


def _told_apart_by(holder: Member, position: Position, here: Fields) -> list[str] | None:
    """The attributes with what their own fetch brings."""
    # What reads an object through its holder reads the one that is left out, too.
    if not position.inputs or holder.is_read or holder.by_type or len(holder.children) > 1:
        return None
    own = [member for member in position.members.values() if position.base in member.givers]
    if not own or not all(map(_tells, own)):
        return None
    return [here.attributes[member.key] for member in own]


def _tells(member: Member) -> bool:
    if member.children or len(member.givers) > 1:
        return False
    # Only the plan sees the others: keys, as a rule.
    return member.shown is None or _is_spelt_one_way(member.shown.slot)


def _is_spelt_one_way(slot: Slot) -> bool:
    value = slot.value
    return isinstance(value, Leaf) and (value.values is not None or value.type_name in _SPELT_ONE_WAY)


def depth(slot: Slot) -> int:
    """How many lists are around it."""
    return 1 + depth(slot.value.item) if isinstance(slot.value, Listing) else 0
