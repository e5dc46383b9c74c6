"""Which objects may come as the same text many times over: each text is read, filled and written once.

All that a subgraph says of such an object is in its text, and all that others say of it is asked by what stands
there: the same text is the same object. Worth it for objects with objects in them; whether they do repeat, a program
counts while it runs, and is written anew without those that do not.
In: a layout. Out: its members marked `by_text`; the text that reads each object once, and the text that puts what was
written in all its places. Its variables: at position 3 `key3` has the number of the text in each place, and `same3`
the object of each text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway.compiled.alike import Merging, depth
from gateway.compiled.positions import Layout, Member, Position
from gateway.plan.shape import Listing, Slot

_TELLING = 80
"""So many bytes at its beginning tell a text from most others."""
Read = Callable[[bytes], Any]
INDENT = "    "


@dataclass(slots=True)
class Counts:
    """By position: how many places there were, and texts for them."""

    places: dict[int, int] = field(default_factory=dict)
    texts: dict[int, int] = field(default_factory=dict)

    def unlike(self) -> set[int]:
        """Where fewer than half of the texts were repeats, of those counted since it was last asked."""
        found = {number for number, places in self.places.items() if 2 * self.texts[number] > places}
        self.places.clear()
        self.texts.clear()
        return found


def mark(layout: Layout, hosted: Collection[str], unlike: Collection[int]) -> None:
    """Set `by_text` where objects may repeat. `unlike`: the positions at which they were seen not to."""
    are_many = {layout.root.number: False}
    for position in layout.positions:
        for member in position.members.values():
            for child in member.children:
                are_many[child.number] = are_many[position.number] or _makes_many(member)
            member.by_text = (
                any(are_many[child.number] and child.number not in unlike for child in member.children)
                and member.givers[0].fetch.subgraph not in hosted
                and _can_be_text(member, position)
            )


def _makes_many(member: Member) -> bool:
    assert member.shown is not None
    return depth(member.shown.slot) > 0 or member.givers[0].wanted is not None


def _can_be_text(holder: Member, parent: Position) -> bool:
    # What reads an object through its holder needs it as an object.
    if holder.shown is None or holder.is_read or holder.by_type or len(holder.children) > 1:
        return False
    lists = depth(holder.shown.slot)
    # Held by an entity, it is set on other objects before the end.
    is_copied = holder.givers[0] is not parent.base
    child = holder.children[0]
    is_deep = any(below.base is child.base for below in child.children)
    return is_deep and (lists == 1 or (lists == 0 and not is_copied))


def gathering(member: Member, parents: str, attribute: str) -> Merging:
    assert member.shown is not None
    number, is_list = member.children[0].number, depth(member.shown.slot) > 0
    if is_list:
        held = [f"from{number} = [o.{attribute} for o in {parents} if o.{attribute} is not None]"]
        texts = f"[v for l in from{number} for v in l]"
        dropping = [f"for l in from{number}: l[:] = [None] * len(l)"]
        filling = [
            f"next{number} = iter(key{number}).__next__",
            f"for l in from{number}: l[:] = [shown{number}[next{number}()] for _ in l]",
        ]
    else:
        held = [f"from{number} = [o for o in {parents} if o.{attribute} is not None]"]
        texts = f"[o.{attribute} for o in from{number}]"
        dropping = [f"for o in from{number}: o.{attribute} = None"]
        filling = [f"for o, k in zip(from{number}, key{number}): o.{attribute} = shown{number}[k]"]
    told = [
        f"told{number} = tell_apart{number}({texts})",
        f"key{number} = told{number}[0]",
        f"same{number} = told{number}[1]",
        f"at{number} = [v for v in same{number} if v is not None]",
    ]
    repeats = f"2 * len(same{number}) <= len(key{number})"
    written = f"[Raw(encode(v)) for v in same{number}] if {repeats} else same{number}"
    # The texts have been read: what operations under way hold on to is memory that the next ones find in no cache.
    return Merging([*held, *told, *dropping], [f"shown{number} = {written}", *filling])


def telling_apart(
    member: Member, struct: type[Struct], counts: Counts
) -> Callable[[Sequence[Raw]], tuple[list[int], list[Any]]]:
    """A function: texts in; the number of each among those that are unlike, and the object of each of these out."""
    assert member.shown is not None
    number = member.children[0].number
    read: Read = msgspec.json.Decoder(struct | None if _held(member.shown.slot).nullable else struct).decode

    def tell_apart(raws: Sequence[Raw]) -> tuple[list[int], list[Any]]:
        numbers: dict[bytes, int] = {}
        texts: list[bytes] = []
        keys: list[int] = []
        for text in map(bytes, raws):
            # To compare long texts is cheaper than to hash them.
            start = text[:_TELLING]
            key = numbers.get(start)
            if key is None or texts[key] != text:
                # Of two that begin alike the second is known by all of it: no object's text is another's beginning.
                key = numbers.setdefault(start if key is None else text, len(texts))
                if key == len(texts):
                    texts.append(text)
            keys.append(key)
        counts.places[number] = counts.places.get(number, 0) + len(keys)
        counts.texts[number] = counts.texts.get(number, 0) + len(texts)
        return keys, list(map(read, texts))

    return tell_apart


def _held(slot: Slot) -> Slot:
    """What stands for one object."""
    return _held(slot.value.item) if isinstance(slot.value, Listing) else slot
