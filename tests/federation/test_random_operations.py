"""Random operations over every suite: each is planned, and each document is valid in its subgraph's own schema."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLSchema,
    GraphQLUnionType,
    OverlappingFieldsCanBeMergedRule,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
    parse,
    validate,
)

from gateway.operation.prepare import prepare
from gateway.plan.nodes import Condition, Fetch, Node, Parallel, Sequence
from gateway.planner.plan_operation import plan_operation
from gateway.query_graph.build import build_query_graph
from gateway.supergraph.read import read_supergraph
from tests.federation.harness.subgraph import schema_from

SUITES = sorted(path.parent for path in (Path(__file__).parent / "suites").glob("*/supergraph.graphql"))
CONDITIONS = ["", "", "", " @include(if: $a)", " @skip(if: $b)"]


def fetches_in(node: Node | None) -> Iterator[Fetch]:
    match node:
        case Fetch():
            yield node
        case Sequence(nodes) | Parallel(nodes):
            for child in nodes:
                yield from fetches_in(child)
        case Condition(_, _, child):
            yield from fetches_in(child)


def selection_of(chance: random.Random, schema: GraphQLSchema, parent, depth: int) -> str:
    parts = []
    fields = [] if isinstance(parent, GraphQLUnionType) else list(parent.fields.items())
    chance.shuffle(fields)
    for name, field in fields[: chance.randint(1, 4)]:
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        value = get_named_type(field.type)
        condition = chance.choice(CONDITIONS)
        if is_leaf_type(value):
            parts.append(name + condition)
        elif depth:
            parts.append(f"{name}{condition} {selection_of(chance, schema, value, depth - 1)}")
    if is_abstract_type(parent):
        chosen = [concrete for concrete in schema.get_possible_types(parent) if chance.random() < 0.5]
        below = max(depth - 1, 0)
        parts += [f"... on {concrete.name} {selection_of(chance, schema, concrete, below)}" for concrete in chosen]
    if not parts or chance.random() < 0.2:
        parts.append("__typename")
    return "{ " + " ".join(parts) + " }"


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_every_document_is_valid_where_it_goes(suite: Path) -> None:
    graph = build_query_graph(read_supergraph((suite / "supergraph.graphql").read_text()))
    schema = graph.supergraph.api_schema
    subgraphs = {path.stem: schema_from(path.read_text()) for path in (suite / "subgraphs").glob("*.graphql")}
    chance = random.Random(suite.name)
    for _ in range(40):
        # Both variables are used whatever else is: `__typename` under both is never in the way.
        body = selection_of(chance, schema, schema.query_type, 5).removeprefix("{")
        text = f"query ($a: Boolean!, $b: Boolean!) {{ t: __typename @include(if: $a) @skip(if: $b) {body}"
        if validate(schema, parse(text), [OverlappingFieldsCanBeMergedRule]):
            # Two types have fields of one name and other shapes.
            continue
        plan = plan_operation(graph, prepare(graph.supergraph, text))
        for fetch in fetches_in(plan.node):
            assert validate(subgraphs[fetch.subgraph], parse(fetch.document)) == [], (text, fetch.document)
