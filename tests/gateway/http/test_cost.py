"""Demand control as a client meets it: refused with both figures and before any request, or told what it came to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from gateway.app import build_app
from gateway.composition.compose import compose
from gateway.settings import CostSettings, Settings
from tests.federation.harness.serving import served
from tests.federation.harness.subgraph import DataSubgraph
from tests.gateway.composition.refused import linked, sources_of
from tests.gateway.http.test_websocket import ask, heard, introduced

SHOP = """
type Query { products(first: Int = 50): [Product!] @listSize(slicingArguments: ["first"]) }
type Subscription { sold(first: Int!): [Product!] @listSize(slicingArguments: ["first"]) }
type Product @key(fields: "id") { id: ID! name: String maker: Maker }
type Maker { name: String }
"""
QUERY = "query ($n: Int) { products(first: $n) { name maker { name } } }"


@asynccontextmanager
async def shop(**settings: Any) -> AsyncIterator[tuple[str, aiohttp.ClientSession, DataSubgraph]]:
    made = {"__typename": "Product", "name": "Valve", "maker": {"name": "Ada"}}
    data = {"Query": {"products": [{**made, "id": "1"}, {**made, "id": "2", "maker": None}]}}
    subgraph = DataSubgraph("shop", linked(SHOP), data)
    text = compose(sources_of({"shop": SHOP})).supergraph or ""
    app = build_app(Settings(**settings), text, {"shop": subgraph})
    async with served(app) as url, aiohttp.ClientSession(url) as session:
        yield url, session, subgraph


async def answer(session: aiohttp.ClientSession, query: str, **more: Any) -> Any:
    async with session.post("/graphql", json={"query": query, **more}) as response:
        return await response.json()


async def test_what_may_cost_too_much_is_refused_before_anything_is_asked() -> None:
    async with shop(cost=CostSettings(max=99)) as (_, session, subgraph):
        (error,) = (await answer(session, QUERY))["errors"]
        assert error == {
            "message": "The operation may cost 100, and 99 is the most: ask for shorter lists, or less of each item.",
            "extensions": {"code": "COST_ESTIMATED_TOO_EXPENSIVE", "estimated": 100, "max": 99},
        }
        assert subgraph.asked == []
        assert "data" in await answer(session, QUERY, variables={"n": 49})


async def test_a_subgraphs_maximum_names_the_subgraph() -> None:
    async with shop(cost=CostSettings(subgraph_maxima={"shop": 10})) as (_, session, subgraph):
        (error,) = (await answer(session, QUERY))["errors"]
        assert error["extensions"] == {
            "code": "COST_ESTIMATED_TOO_EXPENSIVE",
            "estimated": 100,
            "max": 10,
            "service": "shop",
        }
        assert subgraph.asked == []


async def test_measuring_refuses_nothing_and_tells_what_it_came_to() -> None:
    async with shop(cost=CostSettings(mode="measure", max=99, shows=True)) as (_, session, _subgraph):
        told = (await answer(session, QUERY))["extensions"]["cost"]
        # Two products, one of which has a maker.
        assert told == {"estimated": 100, "actual": 3, "max": 99, "subgraphs": {"shop": 100}}


async def test_outside_development_nothing_is_told_unasked() -> None:
    async with shop() as (_, session, _subgraph):
        assert "extensions" not in await answer(session, QUERY, extensions={"queryPlan": True})
    async with shop(development=True) as (_, session, _subgraph):
        assert "extensions" not in await answer(session, QUERY)
        told = (await answer(session, QUERY, extensions={"queryPlan": True}))["extensions"]["cost"]
        assert told == {"estimated": 100, "actual": 3, "max": 100_000}


async def test_switched_off_nothing_is_estimated() -> None:
    async with shop(cost=CostSettings(mode="off", max=1)) as (_, session, _subgraph):
        assert "data" in await answer(session, QUERY)


async def test_a_subscription_is_refused_on_its_socket() -> None:
    async with shop(cost=CostSettings(max=9)) as (url, _session, subgraph), introduced(url) as socket:
        await ask(socket, "subscription { sold(first: 10) { name } }")
        message = await heard(socket)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == (
            "error",
            "COST_ESTIMATED_TOO_EXPENSIVE",
        )
        assert subgraph.asked == []
