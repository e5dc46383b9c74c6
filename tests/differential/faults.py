"""What goes wrong besides fields that always fail: subgraphs down, entities not found, fields that one fails to give.

In: chance, then the gateway's answer. Out: which of its places are lost. The one schema is asked again with just these
places failing; so that this excuses nothing, a place must not be lost whose value a subgraph did give.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from tests.differential.field_sets import Picks
from tests.differential.furnishing import LEAF_TYPES
from tests.differential.house import House
from tests.differential.keys import TYPES as KEY_TYPES
from tests.differential.truth import OBJECTS, Ref

Json = Any
Path = tuple[str | int, ...]
Asked = tuple[Ref, str, str]
"""A field of an object with its arguments."""


@dataclass(frozen=True)
class Faults:
    down: frozenset[str] = frozenset()
    missing: frozenset[tuple[Ref, str]] = frozenset()
    broken: frozenset[tuple[Ref, str, str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.down or self.missing or self.broken)


def random_faults(chance: random.Random, house: House) -> Faults:
    """Mostly none."""
    if chance.random() < 0.7:
        return Faults()
    down = chance.sample(house.subgraphs, 1 if chance.random() < 0.5 else 0)
    known = [
        (Ref(entity.name, number), subgraph)
        for entity in house.entities
        for subgraph in entity.homes
        for number in range(OBJECTS)
    ]
    missing = frozenset(each for each in known if chance.random() < 0.1)
    internal = _required_names(house)
    fields = [
        (Ref(thing.name, number), each.name, subgraph)
        for thing, each in house.all_fields()
        for subgraph in each.givers
        for number in range(1 if thing.kind == "root" else OBJECTS)
        if each.name not in internal
    ]
    broken = frozenset(each for each in fields if chance.random() < 0.08)
    return Faults(frozenset(down), missing, broken if chance.random() < 0.5 else frozenset())


def asked(ref: Ref, name: str, arguments: Mapping[str, Json]) -> Asked:
    return (ref, name, json.dumps(arguments, sort_keys=True))


@dataclass
class Losses:
    """The places of the gateway's answer that it says are lost, or that are null because of an entity not found."""

    faults: Faults = field(default_factory=Faults)
    data: Json = None
    told: frozenset[Path] = frozenset()
    given: frozenset[Asked] = frozenset()
    _places: dict[Asked, list[Path]] = field(default_factory=lambda: defaultdict(list))
    _lost: list[tuple[Asked, Path]] = field(default_factory=list)

    def begin(self, each: Asked, path: Path) -> None:
        """The one schema is at the place. Raises where all of it is lost."""
        self._places[each].append(path)
        if path in self.told:
            self._lost.append((each, path))
            raise GraphQLError("lost")

    def left(self, each: Asked, path: Path, value: Json) -> Json:
        """What is left of the value."""
        if value is not None and self._is_silent(path):
            self._lost.append((each, path))
            return None
        return self._within(path, value)

    def needless(self, house: House) -> list[Path]:
        """Leaves that are lost though some subgraph gave the value, and could have given it for no other place."""
        internal = _required_names(house)
        return [
            path
            for each, path in self._lost
            if len(self._places[each]) == 1
            and not self._is_cut_short(each[0], path)
            and each in self.given
            and each[1] not in internal
            and house.field_of(each[0].type, each[1]).named in LEAF_TYPES
        ]

    def hides(self, path: Path) -> bool:
        """Whether a failure there was never met, because the entity was not found."""
        return self._is_silent(path)

    def _within(self, path: Path, value: Json) -> Json:
        if value is None or self._is_silent(path):
            return None
        if isinstance(value, list):
            return [self._item((*path, number), each) for number, each in enumerate(value)]
        return value

    def _item(self, path: Path, value: Json) -> Json:
        return GraphQLError("lost") if path in self.told else self._within(path, value)

    def _is_silent(self, path: Path) -> bool:
        if not self.faults.missing or any(place[: len(path)] == path for place in self.told):
            return False
        return self._is_null(path)

    def _is_cut_short(self, ref: Ref, path: Path) -> bool:
        """Whether the object is null elsewhere: the one schema stops at what failed there, and asks no more of it."""
        return any(
            place[:-1] != path[:-1] and self._is_null(place[:-1])
            for (other, _, _), places in self._places.items()
            if other == ref
            for place in places
        )

    def _is_null(self, path: Path) -> bool:
        """Whether null stands there, and not only above."""
        data = self.data
        for step in path:
            if data is None:
                return False
            data = data[step] if isinstance(data, list) else data.get(step, "not there")
        return data is None


def _required_names(house: House) -> set[str]:
    """Names of fields that the gateway may ask for its own use."""
    found = {*KEY_TYPES, "org", "a", "b"}
    for made in [*(made for _, made in house.all_fields()), *house.added.values()]:
        found |= _names(made.requires)
    return found


def _names(picks: Picks) -> set[str]:
    return {name for pick in picks for name in (pick.name, *_names(pick.inner))}
