"""What surrounds an answer: compression, other origins, files, readiness, slow bodies, the end of a process."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.app import build_app
from gateway.http.readiness import Readiness
from gateway.settings import (
    CorsSettings,
    HttpSettings,
    ReadinessSettings,
    Settings,
    SubgraphSettings,
    UploadSettings,
)
from infra.local.platform import any_free_port
from tests.federation.harness.serving import app_of, served
from tests.federation.harness.suite import SUITES, gateway_app, suite_named

ASKED = {"query": "{ top { name reviews { stars } } }"}
FILES = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) {
  query: Query
  mutation: Mutation
}
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on OBJECT | SCALAR
directive @join__field(graph: join__Graph) repeatable on FIELD_DEFINITION
enum link__Purpose { SECURITY EXECUTION }
scalar link__Import
scalar join__FieldSet
enum join__Graph { DOCS @join__graph(name: "docs", url: "http://localhost") }
scalar Upload @join__type(graph: DOCS)
type Query @join__type(graph: DOCS) { ok: Boolean }
type Mutation @join__type(graph: DOCS) { keep(title: String, files: [Upload!]!): [String!]! }
"""
KEEP = "mutation Keep($title: String, $files: [Upload!]!) { keep(title: $title, files: $files) }"


@asynccontextmanager
async def gateway(http: HttpSettings) -> AsyncIterator[aiohttp.ClientSession]:
    suite = suite_named("shop")
    async with served(app_of(suite.subgraphs)) as below:
        urls = {name: f"{below}/{name}" for name in suite.subgraphs}
        app = gateway_app(suite, below, Settings(subgraphs=SubgraphSettings(urls=urls), http=http))
        async with served(app) as url, aiohttp.ClientSession(url) as session:
            yield session


@pytest.mark.parametrize(("size", "coding"), [(10, "gzip"), (100_000, None), (None, None)])
async def test_long_answers_are_compressed_for_those_who_accept_it(size: int | None, coding: str | None) -> None:
    async with gateway(HttpSettings(compresses_from=size)) as session:
        squeezed = await session.post("/graphql", json=ASKED, headers={"Accept-Encoding": "gzip"})
        plain = await session.post("/graphql", json=ASKED, headers={"Accept-Encoding": "identity"})
        assert squeezed.headers.get("Content-Encoding") == coding
        assert "Content-Encoding" not in plain.headers
        assert await squeezed.json() == await plain.json()


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip;q=0", None),
        ("br, gzip;q=0.5", "gzip"),
        ("br;q=1.0, *;q=0.1", "gzip"),
        ("*;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("gzip;q=x", None),
        ("notgzip", None),
    ],
)
async def test_the_coding_is_one_that_the_client_accepts(accepted: str, coding: str | None) -> None:
    async with gateway(HttpSettings(compresses_from=10)) as session:
        answer = await session.post("/graphql", json=ASKED, headers={"Accept-Encoding": accepted})
        assert answer.headers.get("Content-Encoding") == coding
        assert "Accept-Encoding" in answer.headers.get("Vary", "")


async def test_pages_of_known_origins_may_call_and_others_not() -> None:
    cors = CorsSettings(("https://app.example",), r"https://.*\.preview\.example", credentials=True)
    async with gateway(HttpSettings(cors=cors)) as session:
        for origin, allowed in (
            ("https://app.example", True),
            ("https://one.preview.example", True),
            ("https://evil.example", False),
            ("https://preview.example.evil.example", False),
        ):
            asking = {
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type,authorization",
            }
            preflight = await session.options("/graphql", headers=asking)
            answer = await session.post("/graphql", json=ASKED, headers={"Origin": origin})
            expected = origin if allowed else None
            assert (preflight.status == 200) is allowed
            assert answer.headers.get("Access-Control-Allow-Origin") == expected
            assert (preflight.headers.get("Access-Control-Allow-Origin")) == expected


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_pages_of_other_origins_may_use_the_single_connection_mode(method: str) -> None:
    async with gateway(HttpSettings(cors=CorsSettings(("https://app.example",)))) as session:
        asking = {
            "Origin": "https://app.example",
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "x-graphql-event-stream-token",
        }
        assert (await session.options("/graphql", headers=asking)).status == 200


async def test_a_query_by_get_needs_a_preflight_where_that_is_asked_for() -> None:
    async with gateway(HttpSettings(csrf_prevention=True)) as session:
        assert (await session.get("/graphql", params=ASKED)).status == 403
        assert (await session.get("/graphql", params=ASKED, headers={"Apollo-Require-Preflight": "1"})).status == 200
        assert (await session.post("/graphql", json=ASKED)).status == 200


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with gateway(HttpSettings(body_timeout_s=0.2)) as session:

        async def half() -> AsyncIterator[bytes]:
            yield b'{"query": "{ me'
            await asyncio.sleep(2)

        response = await session.post("/graphql", data=half(), headers={"Content-Type": "application/json"})
        assert (response.status, "0.2 s" in await response.text()) == (408, True)


class Documents:
    """A subgraph that takes files, and says what it got."""

    def app(self) -> Starlette:
        async def answer(request: Request) -> JSONResponse:
            assert request.headers["graphql-require-preflight"]
            form = await request.form()
            asked, places = json.loads(str(form["operations"])), json.loads(str(form["map"]))
            kept = [asked["variables"].get("title") or "untitled"]
            for key, paths in places.items():
                part = form[key]
                assert isinstance(part, UploadFile)
                size = len(await part.read())
                kept.append(f"{','.join(paths)} {part.filename} {part.content_type} {size}")
            return JSONResponse({"data": {"keep": kept}})

        return Starlette(routes=[Route("/graphql", answer, methods=["POST"])])


@asynccontextmanager
async def file_gateway(uploads: UploadSettings) -> AsyncIterator[aiohttp.ClientSession]:
    async with served(Documents().app()) as below:
        subgraphs = SubgraphSettings(urls={"docs": f"{below}/graphql"})
        app = build_app(Settings(development=True, subgraphs=subgraphs, http=HttpSettings(uploads=uploads)), FILES)
        async with served(app) as url, aiohttp.ClientSession(url) as session:
            yield session


def upload(files: dict[str, bytes], variables: Any, places: Any) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("operations", json.dumps({"query": KEEP, "variables": variables}))
    form.add_field("map", json.dumps(places))
    for key, content in files.items():
        form.add_field(key, content, filename=f"{key}.bin", content_type="application/x-scan")
    return form


PREFLIGHT = {"GraphQL-Require-Preflight": "1"}


async def test_files_are_passed_on_to_the_subgraph_that_takes_them() -> None:
    big = bytes(3 * 1024 * 1024)
    async with file_gateway(UploadSettings(max_files=2)) as session:
        variables = {"title": "scan", "files": [None, None]}
        form = upload({"a": b"one", "b": big}, variables, {"a": ["variables.files.0"], "b": ["variables.files.1"]})
        body = await (await session.post("/graphql", data=form, headers=PREFLIGHT)).json()
        first, second = "variables.files.0 a.bin application/x-scan 3", "variables.files.1 b.bin application/x-scan"
        assert body == {"data": {"keep": ["scan", first, f"{second} {len(big)}"]}}


@pytest.mark.parametrize(
    ("files", "variables", "places", "status"),
    [
        ({"a": b"x"}, {"files": [None]}, {"a": ["variables.files.1"]}, 400),
        ({"a": b"x"}, {"files": ["taken"]}, {"a": ["variables.files.0"]}, 400),
        ({"a": b"x"}, {"files": [None]}, {"a": ["query"]}, 400),
        ({}, {"files": [None]}, {"a": ["variables.files.0"]}, 400),
        ({"a": bytes(2000)}, {"files": [None]}, {"a": ["variables.files.0"]}, 413),
        ({"a": b"", "b": b"", "c": b""}, {"files": [None]}, {"a": ["variables.files.0"]}, 400),
        ({"a": b"x"}, {"files": [None]}, "nothing", 400),
    ],
)
async def test_files_that_do_not_fit_are_refused(files: Any, variables: Any, places: Any, status: int) -> None:
    async with file_gateway(UploadSettings(max_files=2, max_file_bytes=1000)) as session:
        form = upload(files, variables, places)
        response = await session.post("/graphql", data=form, headers=PREFLIGHT)
        assert (response.status, "errors" in await response.json()) == (status, True)


async def test_files_need_a_preflight_and_leave() -> None:
    form = {"a": b"x"}, {"files": [None]}, {"a": ["variables.files.0"]}
    async with file_gateway(UploadSettings(max_files=1)) as session:
        assert (await session.post("/graphql", data=upload(*form))).status == 403
    async with file_gateway(UploadSettings()) as session:
        assert (await session.post("/graphql", data=upload(*form), headers=PREFLIGHT)).status == 415


async def test_ready_says_no_while_it_is_full_late_or_leaving() -> None:
    readiness = Readiness(ReadinessSettings(max_in_flight=1, max_lag_ms=50))
    assert readiness.reasons() == []
    with readiness.request():
        assert readiness.reasons() == ["1 requests at work"]
    readiness.lag_ms = 80
    assert readiness.reasons() == ["event loop late by 80 ms"]
    readiness.lag_ms, readiness.draining = 0, True
    assert readiness.reasons() == ["shutting down"]


async def test_a_process_told_to_end_says_so_and_ends_its_work_first(tmp_path: Path) -> None:
    suite, port = suite_named("shop"), any_free_port()
    config = tmp_path / "gateway.toml"
    config.write_text("[http.readiness]\ndrain_s = 1.0\ngrace_s = 3\n")
    async with served(app_of(suite.subgraphs)) as below:
        subgraphs = [part for name in suite.subgraphs for part in ("--subgraph", f"{name}={below}/{name}")]
        supergraph = str(SUITES / "shop" / "supergraph.graphql")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "serve", "--supergraph", supergraph, "--config", str(config),
            "--port", str(port), *subgraphs, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                assert await until(session, 200)
                process.send_signal(signal.SIGTERM)
                assert await until(session, 503)
                # Still taken: who deals out requests has not heard yet.
                assert (await session.post("/graphql", json=ASKED)).status == 200
            await asyncio.wait_for(process.wait(), 5)
        finally:
            if process.returncode is None:
                process.kill()


async def until(session: aiohttp.ClientSession, status: int) -> bool:
    for _ in range(200):
        try:
            async with session.get("/ready") as response:
                if response.status == status:
                    return True
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.05)
    return False
