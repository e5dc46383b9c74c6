"""A random operation that is valid against a schema. In: chance, the schema. Out: its text and its variables.

Aliases like to be called as other fields are; fragments are nested, named and inline; everything may be conditional.
"""

from __future__ import annotations

import random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    parse,
    validate,
)

_HEAD = "query Q($a: Boolean!, $b: Boolean = true, $x: Int, $y: Int! = 8)"
_CONDITIONS = (
    "@include(if: $a)",
    "@skip(if: $a)",
    "@include(if: $b)",
    "@skip(if: $b)",
    "@skip(if: $b) @include(if: $a)",
)
_ARGUMENTS = ("", "(x: 1)", "(x: null)", "(x: $x)", "(x: $y)")
_ALIASES = ("id", "f0", "f1", "label", "x", "code", "r0")


class Writer:
    def __init__(self, chance: random.Random, schema: GraphQLSchema) -> None:
        self._chance, self._schema = chance, schema
        self._fragments: list[str] = []

    def operation(self) -> str | None:
        """One that is valid, or none after a few tries."""
        for _ in range(8):
            self._fragments = []
            assert self._schema.query_type is not None
            body = self._selection(self._schema.query_type, self._chance.randint(1, 5))
            used = "t: __typename @include(if: $a) @skip(if: $b)"
            text = " ".join([f"{_HEAD} {{ {used} {body} }}", *self._fragments])
            text = _without_unused(text)
            if not validate(self._schema, parse(text)):
                return text
        return None

    def _selection(self, parent: GraphQLNamedType, depth: int) -> str:
        parts = [self._field(name, each, depth) for name, each in self._some_fields(parent)]
        if isinstance(parent, GraphQLInterfaceType | GraphQLUnionType):
            parts += [
                self._fragment(each, depth) for each in self._schema.get_possible_types(parent) if self._often(0.6)
            ]
        elif self._often(0.25) and depth:
            targets: list[GraphQLNamedType] = [parent]
            if isinstance(parent, GraphQLObjectType):
                targets += parent.interfaces
            parts.append(self._fragment(self._chance.choice(targets), depth - 1))
        if self._often(0.25) or not any(parts):
            parts.append("__typename")
        self._chance.shuffle(parts)
        return " ".join(part for part in parts if part)

    def _some_fields(self, parent: GraphQLNamedType) -> list[tuple[str, GraphQLField]]:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return []
        fields = list(parent.fields.items())
        return [self._chance.choice(fields) for _ in range(self._chance.randint(1, 4))]

    def _field(self, name: str, asked: GraphQLField, depth: int) -> str:
        value = get_named_type(asked.type)
        arguments = self._chance.choice(_ARGUMENTS) if asked.args else ""
        alias = f"{self._chance.choice(_ALIASES)}: " if self._often(0.2) else ""
        if is_leaf_type(value):
            return f"{alias}{name}{arguments}{self._condition()}"
        if not depth:
            return ""
        return f"{alias}{name}{arguments}{self._condition()} {{ {self._selection(value, depth - 1)} }}"

    def _fragment(self, on: GraphQLNamedType, depth: int) -> str:
        body = self._selection(on, max(depth - 1, 0))
        if self._often(0.3):
            name = f"F{len(self._fragments)}"
            self._fragments.append(f"fragment {name} on {on.name} {{ {body} }}")
            return f"...{name}{self._condition()}"
        return f"... on {on.name}{self._condition()} {{ {body} }}"

    def _condition(self) -> str:
        return f" {self._chance.choice(_CONDITIONS)}" if self._often(0.15) else ""

    def _often(self, share: float) -> bool:
        return self._chance.random() < share


def random_variables(chance: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"a": chance.random() < 0.5}
    if chance.random() < 0.5:
        found["b"] = chance.random() < 0.5
    if chance.random() < 0.5:
        found["x"] = chance.choice((None, 5))
    return found


def _without_unused(text: str) -> str:
    """A variable that nothing uses is no error of the question, only of its head."""
    for declared in (", $x: Int", ", $y: Int! = 8"):
        name = declared.split(":")[0].removeprefix(", ")
        if f"(x: {name})" not in text:
            text = text.replace(declared, "", 1)
    return text
