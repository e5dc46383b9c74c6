"""Headers on their way through the gateway, with real subgraphs on sockets that say what they got."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.http.headers import HeaderRules
from gateway.settings import HeaderSettings, HttpSettings, RequestRule, ResponseRule, Settings, SubgraphSettings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import gateway_app, suite_named

BOTH = {"query": "{ me { name } top { name } }"}
Headers = list[tuple[str, str]]


class Subgraphs:
    """Answers of the shop's subgraphs with headers of the test's own; what came is kept."""

    def __init__(self, answers: dict[str, Headers]) -> None:
        self.answers = answers
        self.heard: dict[str, Headers] = {}
        self.suite = suite_named("shop")

    def app(self) -> Starlette:
        async def answer(request: Request) -> JSONResponse:
            asked, name = await request.json(), request.path_params["name"]
            self.heard[name] = request.headers.items()
            response = JSONResponse(
                await self.suite.subgraphs[name].execute(asked["query"], asked.get("variables") or {}, None, None)
            )
            for header, value in self.answers.get(name, []):
                response.headers.append(header, value)
            return response

        return Starlette(routes=[Route("/{name}", answer, methods=["POST"])])


@asynccontextmanager
async def gateway(subgraphs: Subgraphs, headers: HeaderSettings, **http: Any) -> AsyncIterator[aiohttp.ClientSession]:
    async with served(subgraphs.app()) as below:
        settings = Settings(
            subgraphs=SubgraphSettings(urls={name: f"{below}/{name}" for name in subgraphs.suite.subgraphs}),
            http=HttpSettings(headers=headers, **http),
        )
        async with (
            served(gateway_app(subgraphs.suite, below, settings)) as url,
            # Kept cookies would be sent again by themselves.
            aiohttp.ClientSession(url, cookie_jar=aiohttp.DummyCookieJar()) as session,
        ):
            yield session


async def test_only_named_headers_reach_the_subgraphs_they_are_meant_for() -> None:
    rules = (
        RequestRule(named="X-Tenant", subgraphs=("users",)),
        RequestRule(matching="x-feature-.*"),
        RequestRule(named="Accept-Language", default="en"),
        RequestRule(named="Authorization", rename="X-Original-Authorization"),
    )
    subgraphs = Subgraphs({})
    sent = {
        "X-Tenant": "acme", "X-Feature-A": "1", "X-Other": "no", "Connection": "keep-alive",
        "traceparent": "00-ab-cd-01",
    }  # fmt: skip
    async with gateway(subgraphs, HeaderSettings(requests=rules)) as session:
        assert (await session.post("/graphql", json=BOTH, headers=sent)).status == 200
    users, others = dict(subgraphs.heard.pop("users")), [dict(each) for each in subgraphs.heard.values()]
    assert (users["x-tenant"], users["x-feature-a"], users["accept-language"]) == ("acme", "1", "en")
    assert others
    for each in [users, *others]:
        assert each["traceparent"] == "00-ab-cd-01"
        assert "x-other" not in each
    assert all("x-tenant" not in each for each in others)


async def test_the_callers_signed_token_cannot_be_brought_along() -> None:
    subgraphs = Subgraphs({})
    async with gateway(subgraphs, HeaderSettings(requests=(RequestRule(matching=".*"),))) as session:
        forged = {"Caller-Token": "forged", "Content-Length-X": "1", "GraphQL-Require-Preflight": "1"}
        assert (await session.post("/graphql", json=BOTH, headers=forged)).status == 200
    for heard in subgraphs.heard.values():
        assert "caller-token" not in dict(heard)
        assert [value for name, value in heard if name == "content-type"] == ["application/json"]


async def test_several_cookies_and_the_first_or_last_of_a_header_come_back() -> None:
    answers = {
        "users": [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("X-Version", "1"), ("X-Seen", "users")],
        "products": [("Set-Cookie", "c=3"), ("X-Version", "2"), ("X-Seen", "products"), ("X-Secret", "no")],
    }
    rules = (
        ResponseRule(named="Set-Cookie"),
        ResponseRule(named="X-Version", subgraphs=("products",), rename="X-Products-Version"),
        ResponseRule(named="X-Seen", keep="all"),
    )
    async with gateway(Subgraphs(answers), HeaderSettings(responses=rules)) as session:
        response = await session.post("/graphql", json=BOTH)
        assert sorted(response.headers.getall("Set-Cookie")) == ["a=1; Path=/", "b=2", "c=3"]
        assert response.headers["X-Products-Version"] == "2"
        assert sorted(response.headers.getall("X-Seen")) == ["products", "users"]
        assert "X-Secret" not in response.headers
        assert "X-Version" not in response.headers


async def test_an_answer_is_as_cacheable_as_its_least_cacheable_part() -> None:
    answers = {
        "users": [("Cache-Control", "private, max-age=30")],
        "products": [("Cache-Control", "max-age=60, public")],
    }
    async with gateway(Subgraphs(answers), HeaderSettings()) as session:
        assert (await session.post("/graphql", json=BOTH)).headers["Cache-Control"] == "max-age=30, private"
        assert (await session.post("/graphql", json={"query": "{ top { name } }"})).headers[
            "Cache-Control"
        ] == "max-age=60, public"
    async with gateway(Subgraphs({"users": answers["users"]}), HeaderSettings()) as session:
        assert (await session.post("/graphql", json=BOTH)).headers["Cache-Control"] == "no-store"
    async with gateway(Subgraphs({}), HeaderSettings()) as session:
        assert "Cache-Control" not in (await session.post("/graphql", json=BOTH)).headers


async def test_where_cookies_pass_a_foreign_page_cannot_ask() -> None:
    subgraphs = Subgraphs({})
    async with gateway(subgraphs, HeaderSettings(requests=(RequestRule(named="Cookie"),))) as session:
        asked = {"query": "{ me { name } }"}
        refused = await session.get("/graphql", params=asked, headers={"Cookie": "s=1"})
        assert (refused.status, "x-preflight" in await refused.text()) == (403, True)
        assert (
            await session.get("/graphql", params=asked, headers={"Cookie": "s=1", "X-Preflight": "1"})
        ).status == 200
        assert (await session.post("/graphql", json=asked, headers={"Cookie": "s=1"})).status == 200
    assert dict(subgraphs.heard["users"])["cookie"] == "s=1"


@pytest.mark.parametrize(
    "rule",
    [
        RequestRule(),
        RequestRule(named="a", matching="b"),
        RequestRule(named="Host"),
        RequestRule(named="Caller-Token"),
        RequestRule(named="x", rename="content-length"),
        RequestRule(matching="("),
    ],
)
def test_a_rule_that_cannot_mean_anything_is_refused_at_the_start(rule: RequestRule) -> None:
    with pytest.raises(ValueError, match=r"header|pattern"):
        HeaderRules(HeaderSettings(requests=(rule,)))
