"""What is really so: every object of a House with a value for each of its fields. In: chance and a House.

A field that requires others is computed from them, so that a wrong or missing representation shows in the answer.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError

from tests.differential.house import FieldOf, House
from tests.differential.texts import COLOURS

Json = Any
OBJECTS = 3


@dataclass(frozen=True)
class Ref:
    """One object, wherever it stands."""

    entity: str
    number: int

    @property
    def id(self) -> str:
        return f"{self.entity}-{self.number}"


class Truth:
    def __init__(self, chance: random.Random, house: House) -> None:
        self.house = house
        self.values: dict[tuple[Ref, str], Json] = {}
        self.failing: set[tuple[Ref, str]] = set()
        for entity in house.entities.values():
            for number in range(OBJECTS):
                ref = Ref(entity.name, number)
                for each in entity.fields.values():
                    self.values[ref, each.name] = self._value(chance, each)
                    if each.fails and chance.random() < 0.5:
                        self.failing.add((ref, each.name))
        self.roots = {each.name: self._value(chance, each) for each in house.roots}

    def find(self, entity: str, given: Mapping[str, Json]) -> Ref | None:
        """The object that a representation means: by its `id`, or its `code`."""
        names = self.house.interface if entity == "I" else [entity]
        for name in names:
            for number in range(OBJECTS):
                ref = Ref(name, number)
                if given.get("id", ref.id) == ref.id and given.get("code", f"c-{ref.id}") == f"c-{ref.id}":
                    return ref
        return None

    def of(self, ref: Ref, name: str, arguments: Mapping[str, Json], given: Mapping[str, Json] | None = None) -> Json:
        """The field's value; `given`: what it requires, where that is not looked up here."""
        if name in ("id", "code"):
            return ref.id if name == "id" else f"c-{ref.id}"
        if name in self.house.added and ref.entity in self.house.interface:
            return f"extra of {ref.id} {arguments.get('x')}"
        made = self.house.entities[ref.entity].fields[name]
        if (ref, name) in self.failing:
            raise GraphQLError(f"{name} of {ref.id} fails")
        if made.requires:
            known = given if given is not None else {each: self.of(ref, each, {}) for each in made.requires}
            return f"{name} of {ref.id} for " + " ".join(f"{each}={_said(known[each])}" for each in made.requires)
        value = self.values[ref, name]
        return f"{value} {arguments.get('x')}" if made.argument and value is not None else value

    def _value(self, chance: random.Random, made: FieldOf) -> Json:
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
            case "V":
                return {"a": chance.choice((None, 1, 2)), "b": chance.choice((None, "x"))}
            case name:
                return Ref(chance.choice(self._possible(name, made.owners[0])), chance.randrange(OBJECTS))

    def _possible(self, name: str, owner: str) -> list[str]:
        if name not in ("I", "U"):
            return [name]
        return self.house.interface if owner == self.house.adder else self.house.members(owner)


def _said(value: Json) -> str:
    """A value as text, without what a gateway may add to it."""
    if isinstance(value, Mapping):
        return "{" + " ".join(f"{name}:{value[name]}" for name in ("a", "b")) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_said, value)) + "]"
    return str(value)
