"""`node` and `nodes` where no subgraph answers them."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp
import pytest

from gateway.app import build_app
from gateway.node_field import NodeFieldRefused, type_in, with_node_field
from gateway.pipeline import OperationRequest
from gateway.settings import NodeFieldSettings, Settings
from gateway.supergraph.read import read_supergraph
from tests.federation.harness.suite import Nobody, Suite, gateway_over_http, suite_named

PLAIN = NodeFieldSettings(base64=False, separator="-")


def shop() -> Suite:
    """The shop, with ids that tell their type: `Product-p1`."""
    suite = suite_named("shop")
    for subgraph in suite.subgraphs.values():
        for each in subgraph.data.get("objects", {}).values():
            if "id" in each:
                each["id"] = f"{each['__typename']}-{each['id']}"
    return suite


async def answer(query: str, **variables: Any) -> Any:
    suite = shop()
    app = build_app(Settings(development=True, node_field=PLAIN), suite.supergraph, suite.subgraphs)
    async with app.router.lifespan_context(app):
        pipeline = app.state.gateway.pipeline
        body = (await pipeline.answer(await pipeline.ready(OperationRequest(query, variables)), Nobody())).as_json()
    return body, suite.fetches


async def test_a_node_has_the_fields_of_its_type_from_every_subgraph() -> None:
    query = "query ($id: ID!) { node(id: $id) { __typename id ... on Product { name reviews { stars } } } }"
    body, fetches = await answer(query, id="Product-p1")
    assert body["data"]["node"]["__typename"] == "Product"
    assert (body["data"]["node"]["name"], len(body["data"]["node"]["reviews"])) == ("Valve", 2)
    assert fetches == 2


async def test_nodes_of_several_types_at_once_and_what_is_none() -> None:
    ids = '["User-u1", "Product-p2", "Nothing-1", "x"]'
    query = f"fragment P on Product {{ name }} query {{ nodes(ids: {ids}) {{ ... on User {{ name }} ...P }} }}"
    body, fetches = await answer(query)
    assert body == {"data": {"nodes": [{"name": "Ada"}, {"name": "Pump"}, None, None]}}
    assert fetches == 2


async def test_beside_it_everything_is_as_before() -> None:
    body, _ = await answer("{ me { name } top { name } }")
    assert "errors" not in body
    assert body["data"]["me"] == {"name": "Ada"}


def test_every_suite_that_has_no_node_can_have_one() -> None:
    for name in ("shop", "keys", "requires", "provides", "interface-object", "mutations"):
        supergraph = read_supergraph(with_node_field(suite_named(name).supergraph))
        assert {"node", "nodes"} <= set(supergraph.api_schema.query_type.fields)  # type: ignore[union-attr]


def test_a_supergraph_that_answers_node_itself_is_refused() -> None:
    with pytest.raises(NodeFieldRefused, match="itself"):
        with_node_field(suite_named("unions-and-interfaces-apart").supergraph)


@pytest.mark.parametrize(
    ("id", "settings", "name"),
    [
        (base64.urlsafe_b64encode(b"Scan:1\xc3\xbf?").rstrip(b"=").decode(), NodeFieldSettings(), "Scan"),
        (base64.b64encode(b"Scan:1").decode(), NodeFieldSettings(), "Scan"),
        ("Scan:1", NodeFieldSettings(), None),
        ("\u00e4", NodeFieldSettings(), None),
        ("Scan-1-2", PLAIN, "Scan"),
        ("Scan", PLAIN, None),
    ],
)
def test_the_rule_tells_the_type_or_nothing(id: str, settings: NodeFieldSettings, name: str | None) -> None:
    assert type_in(id, settings) == name


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_field_that_is_given_something_from_above_is_an_error_of_its_own(accept: str) -> None:
    settings = Settings(development=True, node_field=PLAIN)
    asked = {"query": '{ me { id } node(id: "Transaction-t1") { id ... on Transaction { named } } }'}
    async with (
        gateway_over_http(suite_named("context"), settings) as url,
        aiohttp.ClientSession(url) as session,
        session.post("/graphql", json=asked, headers={"Accept": accept}) as response,
    ):
        body = await response.json()
        assert response.status == 200
        assert body["data"] == {"me": {"id": "ann"}, "node": {"id": "Transaction-t1", "named": None}}
        (error,) = body["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["node", "named"], "BAD_USER_INPUT")
        assert error["message"] == "Nothing above sets what this field needs."
