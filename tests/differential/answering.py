"""The same House answered twice: as one schema, and as subgraphs that a gateway asks.

A subgraph refuses loudly what a right plan never asks of it: a document that its own schema does not allow, a field
that it does not resolve at that place, a representation that lacks what a field requires.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.execution import experimental_execute_incrementally

from tests.differential.house import FieldOf, House
from tests.differential.texts import subgraph_of, whole_of
from tests.differential.truth import Ref, Truth

Json = Any


class WrongPlan(AssertionError):
    """The gateway asked what it must not ask."""


class Whole:
    """Everything in one schema, executed by graphql-core."""

    def __init__(self, house: House, truth: Truth) -> None:
        self.schema = build_schema(whole_of(house))
        self._truth = truth

    def answer(self, document: str, variables: Mapping[str, Json]) -> ExecutionResult:
        return execute_sync(
            self.schema,
            parse(document),
            variable_values=dict(variables),
            field_resolver=self._resolve,
            type_resolver=lambda value, info, abstract: value.entity,
        )

    def answer_in_pieces(self, document: str, variables: Mapping[str, Json]) -> Json:
        """What is deferred comes later, as graphql-core understands it."""
        return experimental_execute_incrementally(
            self.schema,
            parse(document),
            variable_values=dict(variables),
            field_resolver=self._resolve,
            type_resolver=lambda value, info, abstract: value.entity,
        )

    def _resolve(self, source: Json, info: GraphQLResolveInfo, **arguments: Json) -> Json:
        if source is None:
            return self._truth.roots[info.field_name]
        if isinstance(source, Ref):
            return self._truth.of(source, info.field_name, arguments)
        return source[info.field_name]


@dataclass(frozen=True)
class Seen:
    """An object as one fetch sees it: what came with its representation, and what its parent provides."""

    ref: Ref
    given: Mapping[str, Json] = field(default_factory=dict)
    provided: frozenset[str] = frozenset()


class Part:
    """One subgraph, as the gateway's in-process client asks it."""

    def __init__(self, house: House, truth: Truth, name: str) -> None:
        self.schema: GraphQLSchema = build_schema(subgraph_of(house, name))
        self.faults: list[str] = []
        self.asked = 0
        self._house, self._truth, self._name = house, truth, name

    async def execute(self, document: str, variables: dict[str, Json], *_: object) -> dict[str, Json]:
        self.asked += 1
        parsed = parse(document)
        for problem in validate(self.schema, parsed):
            self.faults.append(f"{self._name}: {problem.message} in {document}")
        result = execute_sync(
            self.schema,
            parsed,
            variable_values=variables,
            field_resolver=self._resolve,
            type_resolver=lambda value, info, abstract: self._type_of(value, abstract),
        )
        self.faults += [
            str(each.original_error) for each in result.errors or [] if isinstance(each.original_error, WrongPlan)
        ]
        return {"data": result.data, "errors": [each.formatted for each in result.errors or []] or None}

    def _type_of(self, value: Seen, abstract: Json) -> str:
        asked_as = value.given.get("__typename")
        as_interface = abstract.name == "_Entity" and asked_as == "I" and self._name == self._house.adder
        return "I" if as_interface else value.ref.entity

    def _resolve(self, source: Json, info: GraphQLResolveInfo, **arguments: Json) -> Json:
        name = info.field_name
        if name == "_entities":
            return [self._entity(each) for each in arguments["representations"]]
        if source is None:
            made = next(each for each in self._house.roots if each.name == name)
            return _seen(self._truth.roots[name], made)
        if not isinstance(source, Seen):
            return source[name]
        if name in ("id", "code") or (
            name in self._house.added
            and isinstance(info.parent_type, GraphQLObjectType)
            and self._name == self._house.adder
        ):
            return self._truth.of(source.ref, name, arguments)
        made = self._house.entities[source.ref.entity].fields[name]
        if self._name not in made.owners and name not in source.provided:
            raise WrongPlan(f"{self._name} does not resolve {info.parent_type.name}.{name} here")
        if made.requires and not set(made.requires) <= set(source.given):
            raise WrongPlan(f"{self._name} got {source.given} for {name}, which requires {made.requires}")
        return _seen(self._truth.of(source.ref, name, arguments, source.given if made.requires else None), made)

    def _entity(self, given: Mapping[str, Json]) -> Seen | None:
        if "id" not in given and "code" not in given:
            raise WrongPlan(f"{self._name} got a representation without a key: {given}")
        found = self._truth.find(given["__typename"], given)
        return None if found is None else Seen(found, given)


def _seen(value: Json, made: FieldOf) -> Json:
    if isinstance(value, list):
        return [_seen(each, made) for each in value]
    return Seen(value, provided=frozenset(made.provides)) if isinstance(value, Ref) else value
