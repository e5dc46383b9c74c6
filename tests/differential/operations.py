"""A random operation that is valid against a schema. In: chance, the schema. Out: its text and its variables.

Aliases like to be called as other fields are; fragments are nested, named and inline; everything may be conditional.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OverlappingFieldsCanBeMergedRule,
    VariablesInAllowedPositionRule,
    get_named_type,
    is_leaf_type,
    parse,
    validate,
)

from tests.differential.inputs import Inputs

_CONDITIONS = (
    "@include(if: $a)",
    "@skip(if: $a)",
    "@include(if: $b)",
    "@skip(if: $b)",
    "@skip(if: $b) @include(if: $a)",
)
_RULES = (OverlappingFieldsCanBeMergedRule, VariablesInAllowedPositionRule)
"""The only ones that the writer may break; the gateway holds the operation to all."""
_ALIASES = ("id", "f0", "f1", "label", "x", "code", "r0", "org", "spot")


@dataclass(frozen=True)
class Question:
    text: str
    variables: dict[str, Any]


def random_question(chance: random.Random, schema: GraphQLSchema) -> Question | None:
    """One that is valid, or none after a few tries."""
    for _ in range(8):
        inputs = Inputs(chance)
        text = _Writer(chance, schema, inputs).operation()
        if not validate(schema, parse(text), _RULES):
            return Question(text, {**_conditions(chance), **inputs.values()})
    return None


def _conditions(chance: random.Random) -> dict[str, Any]:
    found = {"a": chance.random() < 0.5}
    if chance.random() < 0.5:
        found["b"] = chance.random() < 0.5
    return found


class _Writer:
    def __init__(self, chance: random.Random, schema: GraphQLSchema, inputs: Inputs) -> None:
        self._chance, self._schema, self._inputs = chance, schema, inputs
        self._fragments: list[str] = []

    def operation(self) -> str:
        kind, root = "query", self._schema.query_type
        if self._schema.mutation_type and self._often(0.5):
            kind, root = "mutation", self._schema.mutation_type
        assert root is not None
        body = self._selection(root, self._chance.randint(1, 5))
        variables = ["$a: Boolean!", "$b: Boolean = true"]
        variables += [each.declared(name) for name, each in self._inputs.variables.items()]
        used = "t: __typename @include(if: $a) @skip(if: $b)"
        return " ".join([f"{kind} Q({', '.join(variables)}) {{ {used} {body} }}", *self._fragments])

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
        if not is_leaf_type(value) and not depth:
            return ""
        arguments = self._inputs.arguments(asked.args)
        alias = f"{self._alias(arguments)}: " if self._often(0.6 if arguments else 0.2) else ""
        if is_leaf_type(value):
            return f"{alias}{name}{arguments}{self._condition()}"
        return f"{alias}{name}{arguments}{self._condition()} {{ {self._selection(value, depth - 1)} }}"

    def _alias(self, arguments: str) -> str:
        # Fields with arguments hardly ever agree, so mostly they get a name of their own.
        own = arguments and self._often(0.7)
        return f"a{self._chance.randrange(100)}" if own else self._chance.choice(_ALIASES)

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
