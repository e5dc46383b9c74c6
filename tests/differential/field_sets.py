"""Field sets as values: what keys, @requires and @provides are written in.

In: picks. Out: their text, and what they pick out of a JSON value (a representation, say).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass(frozen=True)
class Pick:
    """One field; or, with `on`, what is picked of objects of that type only."""

    name: str = ""
    arguments: tuple[tuple[str, int], ...] = ()
    inner: tuple[Pick, ...] = ()
    on: str = ""


Picks = tuple[Pick, ...]


class Missing(Exception):
    """The value does not hold what is to be picked."""


def printed(picks: Picks) -> str:
    return " ".join(map(_printed, picks))


def _printed(pick: Pick) -> str:
    arguments = ", ".join(f"{name}: {value}" for name, value in pick.arguments)
    inner = f" {{ {printed(pick.inner)} }}" if pick.inner else ""
    return (f"... on {pick.on}" if pick.on else pick.name) + (f"({arguments})" if arguments else "") + inner


def picked(value: Json, picks: Picks) -> Json:
    """Just what the picks name. Raises `Missing` where a name is not there."""
    if value is None or not picks:
        return value
    if isinstance(value, list):
        return [picked(each, picks) for each in value]
    found: dict[str, Json] = {}
    for pick in picks:
        if pick.on:
            if _there(value, "__typename") == pick.on:
                found |= picked(value, pick.inner)
        else:
            found[pick.name] = picked(_there(value, pick.name), pick.inner)
    return found


def narrowed(picks: Picks, type_name: str) -> Picks:
    """What the picks name of objects of the type."""
    found: list[Pick] = []
    for pick in picks:
        if not pick.on:
            found.append(pick)
        elif pick.on == type_name:
            found += narrowed(pick.inner, type_name)
    return tuple(found)


def _there(value: Mapping[str, Json], name: str) -> Json:
    if name not in value:
        raise Missing(name)
    return value[name]
