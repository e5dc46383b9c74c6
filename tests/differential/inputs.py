"""Argument lists and variables at random. In: chance and input types. Out: GraphQL text, and JSON for the variables.

Values take every form that coercion knows: a single item for a list, an integer for a float or an id, null or nothing
where there is a default, variables inside of lists and objects.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    is_required_argument,
    is_required_input_field,
)

Json = Any
_SCALARS: Mapping[str, tuple[Json, ...]] = {
    "Int": (1, 5, -2, 0),
    "Float": (0.5, 2, 1e3),
    "String": ("", "long text", "ä", '"quoted"'),
    "ID": ("1", 7),
    "Boolean": (True, False),
    "Json": (1, "x", [1, {"a": None}], {"b": [True]}),
}
_DEEPEST = 3


@dataclass
class Variable:
    type: GraphQLInputType
    default: str | None

    def declared(self, name: str) -> str:
        return f"${name}: {self.type}" + (f" = {self.default}" if self.default else "")


class Inputs:
    """Writes argument lists, and remembers the variables that they use."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.variables: dict[str, Variable] = {}

    def arguments(self, known: Mapping[str, GraphQLArgument]) -> str:
        given = [
            f"{name}: {self._literal(each.type, 0)}"
            for name, each in known.items()
            if is_required_argument(each) or self._often(0.6)
        ]
        self._chance.shuffle(given)
        return f"({', '.join(given)})" if given else ""

    def values(self) -> dict[str, Json]:
        """What a client sends for the variables."""
        found = {}
        for name, each in self.variables.items():
            needed = isinstance(each.type, GraphQLNonNull) and not each.default
            if needed or self._often(0.7):
                found[name] = self._json(each.type, 0)
        return found

    def _literal(self, type_: GraphQLInputType, depth: int, constant: bool = False) -> str:
        if not constant and self._often(0.35):
            return f"${self._variable(type_)}"
        if isinstance(type_, GraphQLNonNull):
            return self._literal_of(type_.of_type, depth, constant)
        return "null" if self._often(0.15) else self._literal_of(type_, depth, constant)

    def _literal_of(self, type_: GraphQLInputType, depth: int, constant: bool) -> str:
        match type_:
            case GraphQLList(of_type=item):
                if self._often(0.25):
                    # One item alone stands for a list of it; null or a variable would be the list itself.
                    return self._literal_of(_bare(item), depth + 1, True)
                items = [self._literal(item, depth + 1, constant) for _ in range(self._chance.randint(0, 2))]
                return f"[{', '.join(items)}]"
            case GraphQLInputObjectType(fields=fields):
                given = [
                    f"{name}: {self._literal(each.type, depth + 1, constant)}"
                    for name, each in fields.items()
                    if is_required_input_field(each) or (depth < _DEEPEST and self._often(0.5))
                ]
                return f"{{{', '.join(given)}}}"
            case GraphQLEnumType(values=values):
                return self._chance.choice(list(values))
            case _:
                return _printed(self._chance.choice(_SCALARS[type_.name]))

    def _variable(self, type_: GraphQLInputType) -> str:
        """The name of a variable that may stand where the type is wanted."""
        fitting = [
            name for name, each in self.variables.items() if str(each.type).rstrip("!") == str(type_).rstrip("!")
        ]
        if fitting and self._often(0.4):
            return self._chance.choice(fitting)
        bare = _bare(type_)
        wanted = self._chance.choice((type_, type_, GraphQLNonNull(bare), bare))
        default = self._literal_of(bare, 1, True) if self._often(0.35) else None
        name = f"v{len(self.variables)}"
        self.variables[name] = Variable(wanted, default)
        return name

    def _json(self, type_: GraphQLInputType, depth: int) -> Json:
        if isinstance(type_, GraphQLNonNull):
            return self._json_of(type_.of_type, depth)
        return None if self._often(0.15) else self._json_of(type_, depth)

    def _json_of(self, type_: GraphQLInputType, depth: int) -> Json:
        match type_:
            case GraphQLList(of_type=item):
                if self._often(0.25):
                    return self._json_of(_bare(item), depth + 1)
                return [self._json(item, depth + 1) for _ in range(self._chance.randint(0, 2))]
            case GraphQLInputObjectType(fields=fields):
                return {
                    name: self._json(each.type, depth + 1)
                    for name, each in fields.items()
                    if is_required_input_field(each) or (depth < _DEEPEST and self._often(0.5))
                }
            case GraphQLEnumType(values=values):
                return self._chance.choice(list(values))
            case _:
                return self._chance.choice(_SCALARS[type_.name])

    def _often(self, share: float) -> bool:
        return self._chance.random() < share


def _bare(type_: GraphQLInputType) -> GraphQLInputType:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _printed(value: Json) -> str:
    """JSON as a GraphQL literal: names of fields stand without quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_printed(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_printed, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
