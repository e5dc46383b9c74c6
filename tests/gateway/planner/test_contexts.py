"""Arguments from objects above, where no suite can go: graphs that other composers refuse, and what clients see."""

from __future__ import annotations

import pytest
from graphql import print_schema

from gateway.errors import OperationInvalid
from gateway.operation.prepare import prepare
from gateway.plan.nodes import Fetch, Node, Sequence
from gateway.plan.render import render
from gateway.planner.errors import Unreachable
from gateway.planner.plan_operation import plan_operation
from gateway.query_graph.build import build_query_graph
from gateway.supergraph.errors import SupergraphInvalid
from gateway.supergraph.read import read_supergraph

SUPERGRAPH = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.5", for: EXECUTION)
  @link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY)
{ query: Query }
scalar join__FieldSet
scalar join__FieldValue
scalar context__ContextFieldValue
input join__ContextArgument { name: String! type: String! context: String! selection: join__FieldValue! }
directive @context(name: String!) repeatable on OBJECT | INTERFACE | UNION
directive @context__fromContext(field: context__ContextFieldValue) on ARGUMENT_DEFINITION
enum join__Graph {
  ORDERS @join__graph(name: "orders", url: "http://orders")
  GOODS @join__graph(name: "goods", url: "http://goods")
}
type Query @join__type(graph: ORDERS) @join__type(graph: GOODS) {
  orders: [Order!]! @join__field(graph: ORDERS)
  item: Item @join__field(graph: ORDERS)
}
type Order @join__type(graph: ORDERS, key: "id") @join__type(graph: GOODS, key: "id") @context(name: "orders__order") {
  id: ID!
  items: [Item!]! @join__field(graph: ORDERS) @join__field(graph: GOODS, external: true)
  rate: Int @join__field(graph: ORDERS)
  last: Int @join__field(graph: ORDERS, external: true) @join__field(graph: GOODS, requires: "items { late }")
}
type Item @join__type(graph: ORDERS, key: "id") @join__type(graph: GOODS, key: "id") {
  id: ID!
  cost: Int @join__field(
    graph: ORDERS
    contextArguments: [{context: "orders__order", name: "rate", type: "Int", selection: " { rate }"}]
  ) @join__field(graph: GOODS, external: true)
  late: Int @join__field(
    graph: ORDERS
    contextArguments: [{context: "orders__order", name: "last", type: "Int", selection: " { last }"}]
  ) @join__field(graph: GOODS, external: true)
  label: String @join__field(graph: GOODS, requires: "cost")
}
"""


def fetches_in(node: Node | None) -> list[Fetch]:
    if isinstance(node, Sequence):
        return [fetch for each in node.nodes for fetch in fetches_in(each)]
    assert isinstance(node, Fetch)
    return [node]


def plan_of(document: str, supergraph: str = SUPERGRAPH) -> list[Fetch]:
    graph = build_query_graph(read_supergraph(supergraph))
    plan = plan_operation(graph, prepare(graph.supergraph, document))
    assert render(plan)
    return fetches_in(plan.node)


def test_a_field_that_another_subgraph_requires_is_given_its_argument() -> None:
    fetches = plan_of("{ orders { items { label } } }")
    assert [(fetch.subgraph, fetch.document) for fetch in fetches] == [
        ("orders", "{ orders { items { id } rate } }"),
        (
            "orders",
            "query($representations: [_Any!]!, $context_0: Int) { _entities(representations: $representations)"
            " { ... on Item { cost(rate: $context_0) } } }",
        ),
        (
            "goods",
            "query($representations: [_Any!]!) { _entities(representations: $representations)"
            " { ... on Item { label } } }",
        ),
    ]


def test_a_field_with_nothing_above_it_that_sets_the_context_has_nowhere_to_read_it() -> None:
    fetches = plan_of("{ item { cost } }")
    assert [each.sources for each in fetches[1].inputs[0].contexts] == [()]


def test_a_value_that_needs_the_field_itself_is_out_of_reach() -> None:
    with pytest.raises(Unreachable, match="known before itself"):
        plan_of("{ orders { items { late } } }")


def test_clients_see_neither_the_argument_nor_the_machinery() -> None:
    supergraph = read_supergraph(SUPERGRAPH)
    seen = print_schema(supergraph.api_schema)
    assert "cost: Int" in seen
    assert "context" not in seen
    assert "rate:" in seen
    with pytest.raises(OperationInvalid):
        prepare(supergraph, "{ orders { items { cost(rate: 1) } } }")


@pytest.mark.parametrize(
    ("link", "directive"),
    [
        ('@link(url: "https://specs.apollo.dev/context/v0.1", as: "ctx")', "@ctx"),
        ('@link(url: "https://specs.apollo.dev/context/v0.1", import: ["@context"])', "@context"),
        (
            '@link(url: "https://specs.apollo.dev/context/v0.1", import: [{name: "@context", as: "@above"}])',
            "@above",
        ),
    ],
)
def test_the_directive_may_go_by_another_name(link: str, directive: str) -> None:
    text = SUPERGRAPH.replace('@link(url: "https://specs.apollo.dev/context/v0.1", for: SECURITY)', link)
    text = text.replace('@context(name: "orders__order")', f'{directive}(name: "orders__order")')
    assert len(plan_of("{ orders { items { cost } } }", text)) == 2


def test_a_context_argument_that_says_too_little_is_refused() -> None:
    with pytest.raises(SupergraphInvalid, match="no 'selection'"):
        read_supergraph(SUPERGRAPH.replace(', selection: " { rate }"', ""))
