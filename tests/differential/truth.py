"""What is really so: every object of a House with a value for each of its fields. In: chance and a House.

A field that requires others is computed from them, and one with arguments from those, so that a wrong or missing one
shows in the answer.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from tests.differential.field_sets import Picks, narrowed, picked
from tests.differential.furnishing import common_members
from tests.differential.house import KEY_PARTS, FieldOf, House, Key
from tests.differential.keys import TYPES as KEY_TYPES
from tests.differential.schema_texts import COLOURS

Json = Any
OBJECTS = 3


@dataclass(frozen=True)
class Ref:
    """One object, wherever it stands."""

    type: str
    number: int

    @property
    def id(self) -> str:
        return f"{self.type}-{self.number}"


@dataclass
class Clock:
    """How many mutations there were."""

    mutations: int = 0


class Truth:
    def __init__(self, chance: random.Random, house: House) -> None:
        self.house = house
        self.values: dict[tuple[Ref, str], Json] = {}
        self.failing: set[tuple[Ref, str]] = set()
        for thing in house.things.values():
            added = house.added.values() if thing.name in house.everywhere("I") else ()
            for number in range(OBJECTS):
                ref = Ref(thing.name, number)
                for each in (*thing.fields.values(), *added):
                    self.values[ref, each.name] = self._value(chance, ref, each)
                    if each.fails and chance.random() < 0.5:
                        self._fail(chance, ref, each)

    def _fail(self, chance: random.Random, ref: Ref, made: FieldOf) -> None:
        """The field of this object fails, or one item of it does."""
        items = self.values[ref, made.name]
        if isinstance(items, list) and items:
            items[chance.randrange(len(items))] = GraphQLError(f"an item of {made.name} of {ref.id} fails")
        else:
            self.failing.add((ref, made.name))

    def find(self, type_name: str, key: Key, given: Mapping[str, Json]) -> Ref | None:
        """The object that the key's values mean."""
        names = self.house.everywhere("I") if type_name == "I" else [type_name]
        wanted = picked(given, key.picks)
        for name in names:
            for number in range(OBJECTS):
                ref = Ref(name, number)
                if self.picked(ref, key.picks, Clock()) == wanted:
                    return ref
        return None

    def of(
        self, ref: Ref, name: str, arguments: Mapping[str, Json], clock: Clock, required: Json | None = None
    ) -> Json:
        """The field's value; `required`: what it requires, where that is not looked up here."""
        made = self.house.field_of(ref.type, name)
        if (ref, name) in self.failing:
            raise GraphQLError(f"{name} of {ref.id} fails")
        if made.requires:
            known = self.picked(ref, made.requires, clock) if required is None else required
            return f"{name} of {ref.id} for {_said(known)} {_said(arguments)}"
        value = self.values[ref, name]
        if made.arguments:
            value = _with_arguments(value, arguments)
        return f"{value} after {clock.mutations}" if made.fresh else value

    def picked(self, ref: Ref, picks: Picks, clock: Clock) -> Json:
        """What the picks name of the object, as JSON."""
        found: dict[str, Json] = {}
        for pick in narrowed(picks, ref.type):
            value = self.of(ref, pick.name, dict(pick.arguments), clock)
            found[pick.name] = self._picked_value(value, pick.inner, clock)
        return found

    def _picked_value(self, value: Json, picks: Picks, clock: Clock) -> Json:
        if isinstance(value, list):
            return [self._picked_value(each, picks, clock) for each in value]
        return self.picked(value, picks, clock) if isinstance(value, Ref) else value

    def _value(self, chance: random.Random, ref: Ref, made: FieldOf) -> Json:
        if made.name in KEY_PARTS or made.name in KEY_TYPES or ref.type == "Spot":
            return _key_value(ref, made)
        if made.is_list:
            if not made.type.endswith("!") and chance.random() < 0.1:
                return None
            inner = made.type.strip("!")[1:-1]
            return [self._single(chance, made, inner.endswith("!")) for _ in range(chance.randint(0, 3))]
        return self._single(chance, made, made.type.endswith("!"))

    def _single(self, chance: random.Random, made: FieldOf, always: bool) -> Json:
        if not always and chance.random() < 0.15:
            return None
        match made.named:
            case "String":
                return chance.choice(("red", "long text", "", "ä"))
            case "Int":
                return chance.randint(-5, 99)
            case "Boolean":
                return chance.random() < 0.5
            case "Colour":
                return chance.choice(COLOURS)
            case name:
                return Ref(chance.choice(self._possible(name, made)), chance.randrange(OBJECTS))

    def _possible(self, name: str, made: FieldOf) -> list[str]:
        return [name] if name in self.house.things else common_members(self.house, name, made.givers)


def _key_value(ref: Ref, made: FieldOf) -> Json:
    """What only this object has; an object's place and its other object have its own number."""
    match made.name:
        case "id":
            return ref.id
        case "code" | "b":
            return f"{made.name}-{ref.id}"
        case "tags":
            return ["t", ref.id]
        case "a":
            return ref.number
        case _:
            return Ref(made.named, ref.number)


def _with_arguments(value: Json, arguments: Mapping[str, Json]) -> Json:
    """A text says them, a link leads somewhere else for them."""
    if isinstance(value, list):
        return [_with_arguments(each, arguments) for each in value]
    if isinstance(value, Ref):
        return Ref(value.type, (value.number + (arguments.get("x") or 0)) % OBJECTS)
    return f"{value} {_said(arguments)}" if isinstance(value, str) else value


def _said(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
