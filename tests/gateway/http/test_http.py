"""GraphQL over HTTP, as a client meets it on the wire."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http.request_protocol import RequestProtocol
from gateway.settings import Limits, Settings, SubgraphSettings
from tests.federation.harness.serving import app_of, served
from tests.federation.harness.suite import gateway_app, suite_named

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


@asynccontextmanager
async def gateway(**settings: Any) -> AsyncIterator[aiohttp.ClientSession]:
    suite = suite_named("shop")
    async with served(app_of(suite.subgraphs)) as subgraphs_url:
        urls = {name: f"{subgraphs_url}/{name}" for name in suite.subgraphs}
        app = gateway_app(suite, subgraphs_url, Settings(subgraphs=SubgraphSettings(urls=urls), **settings))
        async with served(app) as url, aiohttp.ClientSession(url) as session:
            yield session


async def answered(response: aiohttp.ClientResponse) -> tuple[int, str, Any]:
    return response.status, response.headers["content-type"], json.loads(await response.read())


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        ("*/*", JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON}", JSON),
        ("text/html;q=0.1, application/*", JSON),
    ],
)
async def test_the_answer_comes_in_the_type_that_was_asked_for(accept: str, media_type: str) -> None:
    async with gateway() as session:
        response = await session.post("/graphql", json={"query": "{ me { name } }"}, headers={"Accept": accept})
        assert await answered(response) == (200, f"{media_type}; charset=utf-8", {"data": {"me": {"name": "Ada"}}})


async def test_an_answer_nobody_can_read_is_not_made() -> None:
    async with gateway() as session:
        response = await session.post("/graphql", json={"query": "{ me { name } }"}, headers={"Accept": "text/html"})
        assert response.status == 406


async def test_a_query_may_come_by_get_with_variables() -> None:
    async with gateway() as session:
        asked = {"query": "query P($id: ID!) { product(id: $id) { name } }", "variables": '{"id": "p2"}'}
        response = await session.get("/graphql", params=asked)
        assert (await answered(response))[2] == {"data": {"product": {"name": "Pump"}}}


async def test_a_mutation_by_get_is_refused_and_not_run() -> None:
    async with gateway() as session:
        response = await session.get("/graphql", params={"query": 'mutation { rename(id: "p1", name: "x") { id } }'})
        status, _, body = await answered(response)
        assert (status, response.headers["allow"], "data" in body) == (405, "POST", False)


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{ me {", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nobody }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: ID!) { product(id: $id) { id } }", {}, "BAD_USER_INPUT"),
        ("query ($id: ID!) { product(id: $id) { id } }", {"id": {"no": "text"}}, "BAD_USER_INPUT"),
        ("query A { me { id } } query B { me { id } }", {}, "BAD_USER_INPUT"),
    ],
)
async def test_an_operation_that_cannot_run_is_400_in_the_new_type_and_200_in_the_old(
    query: str, variables: Any, code: str
) -> None:
    async with gateway() as session:
        for media_type, expected in ((GRAPHQL, 400), (JSON, 200)):
            asked = {"query": query, "variables": variables}
            response = await session.post("/graphql", json=asked, headers={"Accept": media_type})
            status, _, body = await answered(response)
            assert (status, "data" in body, body["errors"][0]["extensions"]["code"]) == (expected, False, code)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"query": "{ me { id } }"}', "text/plain", 415),
        (b"query=%7Bme%7Bid%7D%7D", "application/x-www-form-urlencoded", 415),
        (b'{"query": ', JSON, 400),
        (b"{}", JSON, 400),
        (b'{"query": 1}', JSON, 400),
        (b'{"query": "{ me { id } }", "variables": "x"}', JSON, 400),
        (b'{"query": "{ me { id } }", "operationName": []}', JSON, 400),
        (b'[{"query": "{ me { id } }"}]', JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"[" * 100_000, JSON, 400),
    ],
)
async def test_what_is_no_graphql_request_is_refused(body: bytes, content_type: str, status: int) -> None:
    async with gateway() as session:
        response = await session.post("/graphql", data=body, headers={"Content-Type": content_type})
        assert response.status == status


@pytest.mark.parametrize("extra", [{"variables": None}, {"operationName": None}, {"extensions": None}, {"other": 1}])
async def test_nulls_and_unknown_members_of_a_request_do_no_harm(extra: Any) -> None:
    async with gateway() as session:
        response = await session.post("/graphql", json={"query": "{ me { name } }", **extra})
        assert (await answered(response))[2] == {"data": {"me": {"name": "Ada"}}}


async def test_limits_hold_before_anything_is_planned() -> None:
    deep = "{ top { reviews { product { reviews { product { id } } } } } }"
    hidden = "{ top { ...A } } fragment A on Product { reviews { product { reviews { product { id } } } } }"
    async with gateway(limits=Limits(max_body_bytes=2000, max_tokens=60, max_depth=4)) as session:
        bodies = [await answered(await session.post("/graphql", json={"query": each})) for each in (deep, hidden)]
        assert [body["errors"][0]["extensions"]["code"] for _, _, body in bodies] == ["COST_LIMIT_EXCEEDED"] * 2
        wide = "{ " + "a: me { id } " * 50 + "}"
        assert (await answered(await session.post("/graphql", json={"query": wide})))[2]["errors"]
        assert (await session.post("/graphql", json={"query": " " * 3000})).status == 413


async def test_batches_are_answered_in_order_where_they_are_allowed() -> None:
    async with gateway(limits=Limits(max_batch=2)) as session:
        two = [{"query": "{ me { name } }"}, {"query": "{ nobody }"}]
        status, _, body = await answered(await session.post("/graphql", json=two))
        assert (status, body[0], "errors" in body[1]) == (200, {"data": {"me": {"name": "Ada"}}}, True)
        assert (await session.post("/graphql", json=[two[0]] * 3)).status == 400


async def test_outside_development_the_schema_is_kept_and_nothing_is_suggested() -> None:
    async with gateway() as session:
        _, _, body = await answered(await session.post("/graphql", json={"query": "{ __schema { types { name } } }"}))
        assert body["errors"][0]["message"] == "Introspection is switched off here."
        _, _, body = await answered(await session.post("/graphql", json={"query": "{ mee { name } }"}))
        assert "Did you mean" not in body["errors"][0]["message"]


async def test_the_plan_is_shown_in_development_to_those_who_ask() -> None:
    asked = {"query": "{ top { reviews { stars } } }", "extensions": {"queryPlan": True}}
    async with gateway(development=True) as session:
        _, _, body = await answered(await session.post("/graphql", json=asked))
        assert "reviews" in body["extensions"]["queryPlan"]
    async with gateway() as session:
        _, _, body = await answered(await session.post("/graphql", json=asked))
        assert "extensions" not in body


@pytest.mark.parametrize("protocol", [RequestProtocol, HttpToolsProtocol])
async def test_a_client_that_hangs_up_ends_its_requests_to_subgraphs(
    protocol: type[asyncio.Protocol], caplog: pytest.LogCaptureFixture
) -> None:
    suite = suite_named("shop")
    started, cancelled = asyncio.Event(), asyncio.Event()

    class Slow:
        async def execute(self, *_: object) -> dict[str, object]:
            started.set()
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return {}

    from gateway.app import build_app

    app = build_app(Settings(), suite.supergraph, {**suite.subgraphs, "users": Slow()})  # type: ignore[dict-item]
    async with served(app, http=protocol) as url, aiohttp.ClientSession(url) as session:
        # By its own: uvicorn's loggers hand nothing up, and are set anew by each server that starts.
        logging.getLogger("uvicorn.error").addHandler(caplog.handler)
        asking = asyncio.ensure_future(session.post("/graphql", json={"query": "{ me { name } }"}))
        await started.wait()
        asking.cancel()
        async with asyncio.timeout(2):
            await cancelled.wait()
    # The server's end waits for its requests. Anybody may leave: it is nobody's fault, and no traceback in a log.
    assert caplog.text == ""


async def test_health_answers() -> None:
    async with gateway() as session:
        assert await answered(await session.get("/health")) == (200, JSON, {"status": "up"})
