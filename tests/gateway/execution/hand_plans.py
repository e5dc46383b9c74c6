"""A small graph of three subgraphs, and plans for it written by hand, to test execution without a planner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import build_schema

from gateway.client.in_process import InProcessClient
from gateway.client.protocol import SubgraphClient
from gateway.execution.executor import Executor
from gateway.execution.reporting import Reporting
from gateway.execution.response import Response
from gateway.plan.nodes import EntityInput, Fetch, Node, RequiredField, Sequence, Step, SubgraphName
from gateway.plan.query_plan import QueryPlan
from gateway.plan.shape import Leaf, Listing, Object, ShapeField, Slot
from tests.federation.harness.subgraph import DataSubgraph

PRODUCTS = DataSubgraph(
    "products",
    'type Query { top: [Product] } type Product @key(fields: "id") { id: ID! name: String! }',
    {
        "Query": {"top": ["@p1", "@p2", "@p1"]},
        "objects": {
            "p1": {"__typename": "Product", "id": "p1", "name": "Valve"},
            "p2": {"__typename": "Product", "id": "p2", "name": "Pump"},
        },
    },
)
STOCK_SDL = 'type Query { x: Int } type Product @key(fields: "id") { id: ID! left: Int price: Int! }'
STOCK = {
    "objects": {
        "p1": {"__typename": "Product", "id": "p1", "left": 3, "price": 10},
        "p2": {"__typename": "Product", "id": "p2", "left": 0, "price": 20},
    }
}
SHIPPING_SDL = (
    'type Query { x: Int } type Product @key(fields: "id") { id: ID! price: Int @external '
    'shipping: String @requires(fields: "price") }'
)
SHIPPING = {
    "objects": {
        "p1": {"__typename": "Product", "id": "p1", "shipping": {"$text": "for {price}"}},
        "p2": {"__typename": "Product", "id": "p2", "shipping": {"$text": "for {price}"}},
    }
}
ROOT = Fetch(0, SubgraphName("products"), "query", "{ top { __typename id name } }")


def stock_fetch(fields: str) -> Fetch:
    return entity_fetch(1, "stock", fields, (RequiredField("id", "id"),))


def shipping_fetch() -> Fetch:
    return entity_fetch(2, "shipping", "shipping", (RequiredField("id", "id"), RequiredField("price", "price")))


def entity_fetch(fetch_id: int, subgraph: str, fields: str, requires: tuple[RequiredField, ...]) -> Fetch:
    document = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on Product {{ {fields} }} }} }}"
    wanted = EntityInput("_entities", "r", (Step("top"),), requires)
    return Fetch(fetch_id, SubgraphName(subgraph), "query", document, inputs=(wanted,))


def leaf(key: str, type_name: str = "String", nullable: bool = True, source: str | None = None) -> ShapeField:
    return ShapeField(key, source or key, Slot(Leaf(type_name), nullable))


def plan_of(*nodes: Node, fields: tuple[ShapeField, ...], item_nullable: bool = True) -> QueryPlan:
    product = Object("Product", frozenset({"Product"}), fields)
    top = ShapeField("top", "top", Slot(Listing(Slot(product, item_nullable)), True))
    return QueryPlan("query", Sequence(nodes), Object("Query", frozenset({"Query"}), (top,)), ("top",))


class Nobody:
    trace_id = "trace"
    headers = None
    principal = None

    def token(self) -> str | None:
        return None


def executor_over(clients: Mapping[str, SubgraphClient] | None = None, development: bool = True) -> Executor:
    found: dict[SubgraphName, SubgraphClient] = {
        SubgraphName(name): InProcessClient(SubgraphName(name), DataSubgraph(name, sdl, data), 1.0)
        for name, sdl, data in (
            ("products", PRODUCTS.sdl, PRODUCTS.data),
            ("stock", STOCK_SDL, STOCK),
            ("shipping", SHIPPING_SDL, SHIPPING),
        )
    }
    found |= {SubgraphName(name): client for name, client in (clients or {}).items()}
    return Executor(found, build_schema("type Query { x: Int }"), Reporting(development))


async def answer(plan: QueryPlan, executor: Executor, variables: Mapping[str, object] | None = None) -> Any:
    response: Response = await executor.execute(plan, variables or {}, Nobody())
    return response.as_json()
