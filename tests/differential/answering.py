"""The same House answered twice: as one schema, and as subgraphs that a gateway asks.

A subgraph refuses loudly what a right plan never asks of it: a document that its own schema does not allow, a field
that it does not resolve at that place, a representation that lacks a key or what a field requires.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ExecutionResult,
    FieldsOnCorrectTypeRule,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    KnownArgumentNamesRule,
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OverlappingFieldsCanBeMergedRule,
    PossibleFragmentSpreadsRule,
    ProvidedRequiredArgumentsRule,
    ScalarLeafsRule,
    ValuesOfCorrectTypeRule,
    VariablesInAllowedPositionRule,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.execution import experimental_execute_incrementally

from tests.differential.exercised import is_hop, of_field, of_key, of_link
from tests.differential.faults import Asked, Faults, Losses, asked
from tests.differential.field_sets import Missing, Picks, narrowed, picked
from tests.differential.house import ID, FieldOf, House, Key, Labels
from tests.differential.schema_texts import subgraph_of, whole_of
from tests.differential.truth import Clock, Ref, Truth

Json = Any
_RULES = (
    FieldsOnCorrectTypeRule,
    KnownArgumentNamesRule,
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OverlappingFieldsCanBeMergedRule,
    PossibleFragmentSpreadsRule,
    ProvidedRequiredArgumentsRule,
    ScalarLeafsRule,
    ValuesOfCorrectTypeRule,
    VariablesInAllowedPositionRule,
)
"""What a document that the gateway wrote might be wrong in; the other rules take most of the time."""


class WrongPlan(AssertionError):
    """The gateway asked what it must not ask."""


class Whole:
    """Everything in one schema, executed by graphql-core."""

    def __init__(self, house: House, truth: Truth) -> None:
        self.schema = build_schema(whole_of(house), assume_valid_sdl=True)
        self._truth = truth
        self._clock, self._losses = Clock(), Losses()

    def answer(self, document: str, variables: Mapping[str, Json], losses: Losses) -> ExecutionResult:
        self._clock, self._losses = Clock(), losses
        return execute_sync(
            self.schema,
            parse(document),
            variable_values=dict(variables),
            field_resolver=self._resolve,
            type_resolver=lambda value, info, abstract: value.type,
        )

    def answer_in_pieces(self, document: str, variables: Mapping[str, Json]) -> Json:
        """What is deferred comes later, as graphql-core understands it."""
        self._clock, self._losses = Clock(), Losses()
        return experimental_execute_incrementally(
            self.schema,
            parse(document),
            variable_values=dict(variables),
            field_resolver=self._resolve,
            type_resolver=lambda value, info, abstract: value.type,
        )

    def _resolve(self, source: Ref | None, info: GraphQLResolveInfo, **arguments: Json) -> Json:
        at, name = source or Ref(info.parent_type.name, 0), info.field_name
        path = tuple(info.path.as_list())
        each = asked(at, name, arguments)
        if at.type == "Mutation" and (path not in self._losses.told or each in self._losses.given):
            self._clock.mutations += 1
        if (at, name) not in self._truth.failing:
            self._losses.begin(each, path)
        elif self._losses.hides(path):
            return None
        return self._losses.left(each, path, self._truth.of(at, name, arguments, self._clock))


@dataclass(frozen=True)
class Seen:
    """An object as one fetch sees it: what came with its representation, and what its parent provides."""

    ref: Ref
    given: Mapping[str, Json] = field(default_factory=dict)
    provided: Picks = ()


class Part:
    """One subgraph, as the gateway's in-process client asks it."""

    def __init__(self, house: House, truth: Truth, name: str) -> None:
        self.schema: GraphQLSchema = build_schema(subgraph_of(house, name), assume_valid_sdl=True)
        self.begin(Clock(), frozenset(), Faults())
        self._house, self._truth, self._name = house, truth, name

    def begin(self, clock: Clock, on: Labels, faults: Faults) -> None:
        """A new question; `clock` is one for all subgraphs, `on` the labels that the gateway takes for on."""
        self.wrong: list[str] = []
        self.gave: set[Asked] = set()
        self.exercised: set[str] = set()
        self._asked_for: list[str] = []
        self._clock, self._on, self._faults = clock, on, faults

    async def execute(self, document: str, variables: dict[str, Json], *_: object) -> dict[str, Json]:
        if self._name in self._faults.down:
            self.exercised.add("subgraph down")
            raise ConnectionError(f"{self._name} is down")
        parsed = parse(document)
        for problem in validate(self.schema, parsed, _RULES):
            self.wrong.append(f"{self._name}: {problem.message} in {document}")
        before = len(self._asked_for)
        result = execute_sync(
            self.schema,
            parsed,
            variable_values=json.loads(json.dumps(variables)),
            field_resolver=self._resolve,
            type_resolver=lambda value, info, abstract: self._type_of(value, abstract),
        )
        self.wrong += [
            str(each.original_error) for each in result.errors or [] if isinstance(each.original_error, WrongPlan)
        ]
        if "_entities" in document and is_hop(set(self._asked_for[before:])):
            self.exercised.add("hop over a key")
        return {"data": result.data, "errors": [each.formatted for each in result.errors or []] or None}

    def _type_of(self, value: Seen, abstract: Json) -> str:
        as_interface = abstract.name == "_Entity" and value.given.get("__typename") == "I"
        return "I" if as_interface and self._name in self._house.adders else value.ref.type

    def _resolve(self, source: Seen | None, info: GraphQLResolveInfo, **arguments: Json) -> Json:
        name, parent = info.field_name, info.parent_type.name
        if name == "_entities":
            return [self._entity(each) for each in arguments["representations"]]
        at = source or Seen(Ref(parent, 0))
        if (at.ref, name, self._name) in self._faults.broken:
            raise GraphQLError(f"{name} of {at.ref.id} is broken in {self._name}")
        if parent == "Mutation":
            self._clock.mutations += 1
        made = self._house.field_of(at.ref.type, name)
        provided = [pick for pick in narrowed(at.provided, at.ref.type) if pick.name == name]
        own = self._name in made.resolvers(self._on) or (name == "id" and parent == "I")
        if not own and not provided:
            raise WrongPlan(f"{self._name} does not resolve {parent}.{name} here")
        required = self._required(at, made) if own else None
        value = self._truth.of(at.ref, name, arguments, self._clock, required)
        self.gave.add(asked(at.ref, name, arguments))
        self._asked_for.append(name)
        self.exercised.update(of_field(self._house, at.ref.type, made, own))
        self.exercised.update(of_link(self._name, self._house.things.get(made.named)))
        below = tuple(inner for pick in provided for inner in pick.inner)
        return _seen(value, (*made.provides, *below) if own else below)

    def _required(self, at: Seen, made: FieldOf) -> Json | None:
        if not made.requires:
            return None
        try:
            return picked(at.given, made.requires)
        except Missing as missing:
            raise WrongPlan(f"{self._name} got {at.given} without {missing} for {made.name}") from None

    def _entity(self, given: Mapping[str, Json]) -> Seen | None:
        type_name = given["__typename"]
        for key in self._keys(type_name):
            try:
                found = self._truth.find(type_name, key, given)
            except Missing:
                continue
            self.exercised.update(of_key(key))
            if found is None or (found, self._name) in self._faults.missing:
                self.exercised.add("entity not found")
                return None
            return Seen(found, given)
        raise WrongPlan(f"{self._name} got a representation without a key: {given}")

    def _keys(self, type_name: str) -> list[Key]:
        if type_name == "I":
            return [ID]
        return [key for key in self._house.things[type_name].keys[self._name] if key.resolvable]


def _seen(value: Json, provided: Picks) -> Json:
    if isinstance(value, list):
        return [_seen(each, provided) for each in value]
    return Seen(value, provided=provided) if isinstance(value, Ref) else value
