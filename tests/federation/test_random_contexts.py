"""Random operations over the suites with contexts, answered as one schema with all the data would answer them.

The one schema knows no subgraphs, keys or fetches: an object remembers those above it, and a field that takes an
argument from a context asks the nearest of them that sets it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    execute,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    parse,
)

from gateway.app import build_app
from gateway.pipeline import OperationRequest
from gateway.supergraph.field_set import FieldSelection, FieldSet
from gateway.supergraph.model import ContextArgument, Supergraph
from gateway.supergraph.read import read_supergraph
from tests.federation.harness.suite import Nobody, Suite, suite_named

Json = Any
SUITES = ["context-in-lists", "context-by-type", "context-and-requires", "context-of-the-root"]
# What they require is itself given from contexts, which this simple schema does not follow.
LEFT_OUT = {"summary", "digest"}
ARGUMENTS = {"load": "(factor: 2)", "user": '(id: "a")'}
CONDITIONS = ["", "", "", " @include(if: $a)", " @skip(if: $b)"]
OPERATIONS = 60


@dataclass(frozen=True)
class Held:
    """An object of the merged data, and the objects above it, nearest first."""

    values: Mapping[str, Json]
    above: tuple[Held, ...]


class Whole:
    """All the subgraphs' data behind one schema."""

    def __init__(self, suite: Suite, supergraph: Supergraph) -> None:
        self.supergraph = supergraph
        self.names = {
            (subgraph, name): (each["__typename"], each["id"])
            for subgraph, held in suite.subgraphs.items()
            for name, each in held.data.get("objects", {}).items()
        }
        self.objects: dict[tuple[str, str], dict[str, Json]] = {}
        self.root: dict[str, Json] = {"__typename": "Query"}
        for subgraph, held in suite.subgraphs.items():
            for each in held.data.get("objects", {}).values():
                known = self.objects.setdefault((each["__typename"], each["id"]), {})
                known.update({key: self._named(subgraph, value) for key, value in each.items()})
            given = held.data.get("Query", {})
            self.root.update({key: self._named(subgraph, value) for key, value in given.items()})

    def _named(self, subgraph: str, value: Json) -> Json:
        """References by the subgraph's own names become references by type and id."""
        if isinstance(value, str) and value.startswith("@"):
            return self.names[subgraph, value[1:]]
        if isinstance(value, list):
            return [self._named(subgraph, each) for each in value]
        if isinstance(value, dict):
            return {key: self._named(subgraph, each) for key, each in value.items()}
        return value

    def resolve(self, source: Held | None, info: GraphQLResolveInfo, **arguments: Json) -> Json:
        held = source or Held(self.root, ())
        arguments |= {each.name: self._given(each, held) for each in self._taken(held, info.field_name)}
        return self._value(held, info.field_name, arguments)

    def _taken(self, held: Held, field: str) -> Iterator[ContextArgument]:
        for types in self.supergraph.types.values():
            declared = types.get(held.values["__typename"])
            if declared and field in declared.fields:
                yield from declared.fields[field].contexts

    def _given(self, argument: ContextArgument, held: Held) -> Json:
        setters = self.supergraph.contexts[argument.context]
        nearest = next(each for each in held.above if each.values["__typename"] in setters)
        return self._read(nearest, argument.selection)

    def _read(self, source: Json, selection: FieldSet) -> Json:
        if isinstance(source, list):
            return [self._read(each, selection) for each in source]
        for each in selection:
            if isinstance(each, FieldSelection):
                found = self._value(source, each.name, {})
                return self._read(found, each.selections) if each.selections and found is not None else found
            if each.type_condition == source.values["__typename"]:
                return self._read(source, each.selections)
        return None

    def _value(self, held: Held, field: str, arguments: Mapping[str, Json]) -> Json:
        return self._made(held.values.get(field), held, arguments)

    def _made(self, value: Json, held: Held, arguments: Mapping[str, Json]) -> Json:
        match value:
            case list():
                return [self._made(each, held, arguments) for each in value]
            case (str(), str()):
                return Held(self.objects[value], (held, *held.above))
            case {"$text": text}:
                return text.format_map({**held.values, **arguments})
            case {"$find": by}:
                found = (each for each in self.objects.values() if each["id"] == arguments[by])
                return Held(next(found), (held, *held.above))
            case dict():
                return Held(value, (held, *held.above))
        return value


def selection_of(chance: random.Random, schema: GraphQLSchema, parent: Json, depth: int) -> str:
    parts = []
    fields = [] if isinstance(parent, GraphQLUnionType) else list(parent.fields.items())
    chance.shuffle(fields)
    for name, field in fields[: chance.randint(1, 5)]:
        if name in LEFT_OUT:
            continue
        value = get_named_type(field.type)
        text = name + ARGUMENTS.get(name, "") + chance.choice(CONDITIONS)
        if is_leaf_type(value):
            parts.append(text)
        elif depth:
            parts.append(f"{text} {selection_of(chance, schema, value, depth - 1)}")
    if is_abstract_type(parent):
        chosen: Sequence[GraphQLObjectType] = schema.get_possible_types(parent)
        parts += [f"... on {each.name} {selection_of(chance, schema, each, max(depth - 1, 0))}" for each in chosen]
    return "{ " + " ".join(parts or ["__typename"]) + " }"


@pytest.mark.parametrize("name", SUITES)
async def test_answers_are_those_of_one_schema(name: str) -> None:
    suite = suite_named(name)
    supergraph = read_supergraph(suite.supergraph)
    # graphql-core refuses to execute on a schema that has @defer, if nobody defers anything.
    pieces = {"defer", "stream"}
    kept = [directive for directive in supergraph.api_schema.directives if directive.name not in pieces]
    whole, schema = Whole(suite, supergraph), GraphQLSchema(**supergraph.api_schema.to_kwargs() | {"directives": kept})
    app = build_app(suite.settings, suite.supergraph, suite.subgraphs)
    chance = random.Random(name)
    async with app.router.lifespan_context(app):
        pipeline = app.state.gateway.pipeline
        for _ in range(OPERATIONS):
            body = selection_of(chance, schema, schema.query_type, 7).removeprefix("{")
            text = f"query ($a: Boolean!, $b: Boolean!) {{ t: __typename @include(if: $a) @skip(if: $b) {body}"
            variables = {"a": chance.random() < 0.5, "b": chance.random() < 0.5}
            told = execute(
                schema,
                parse(text),
                variable_values=variables,
                field_resolver=whole.resolve,
                type_resolver=lambda value, *_: value.values["__typename"],
            )
            assert told.errors is None, (told.errors, text)
            ready = await pipeline.ready(OperationRequest(text, variables))
            answer = (await pipeline.answer(ready, Nobody())).as_json()
            assert answer == {"data": told.data}, (text, variables)
