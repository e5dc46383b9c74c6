"""What both ways to a subgraph have in common: the settings, the headers there and back, the connections kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from gateway.app import build_app
from gateway.client.carrying import awaited
from gateway.client.errors import UrlUnusable
from gateway.client.lean.client import LeanClient
from gateway.client.protocol import WireRequest
from gateway.client.wires import wires_of
from gateway.plan.nodes import SubgraphName
from gateway.settings import Settings, SubgraphSettings
from tests.federation.harness.suite import SUITES
from tests.gateway.client.raw_server import KINDS, Kind, client_at, request_in, serving

HEADERS = b"X-Answer: a: b \r\nSet-Cookie: one\r\nset-cookie: two\r\n"
USUAL = b"HTTP/1.1 200 OK\r\n" + HEADERS + b"Content-Length: 4\r\n\r\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\n" + HEADERS + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Trailer: no\r\n\r\n"
)
HINTED = b"HTTP/1.1 103 Hints\r\nX-Hint: no\r\n\r\n" + USUAL + b"body"


class Exchange:
    def __init__(self) -> None:
        self.heard: list[list[tuple[str, str]]] = []

    def to_subgraph(self, subgraph: str) -> list[tuple[str, str]]:
        return [("x-asked", "for é"), ("x-asked", "twice")]

    def from_subgraph(self, subgraph: str, headers: Iterable[tuple[str, str]]) -> None:
        assert subgraph == "s"
        self.heard.append([(name.lower(), value) for name, value in headers])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "pieces", [[USUAL + b"body"], [USUAL, b"bo", b"dy"], [USUAL[:20], USUAL[20:] + b"body"], [CHUNKED], [HINTED]]
)
async def test_headers_go_there_and_come_back_once(kind: Kind, pieces: list[bytes]) -> None:
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await request_in(reader):
            asked.append(request)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)

    exchange = Exchange()
    async with serving(talk) as url, client_at(url, SubgraphSettings(client=kind)) as client:
        for _ in range(2):
            assert (
                await awaited(client.carrier, WireRequest(b"{}", "query", "token", "trace", exchange))
            ).body == b"body"
    for heard in exchange.heard:
        kept = [each for each in heard if each[0] not in ("content-length", "transfer-encoding")]
        assert kept == [("x-answer", "a: b"), ("set-cookie", "one"), ("set-cookie", "two")]
    assert len(exchange.heard) == 2
    for request in asked:
        lines = request.lower().split(b"\r\n")
        assert b"caller-token: token" in lines
        assert b"x-trace-id: trace" in lines
        assert b"x-asked: twice" in lines
        assert b"content-type: application/json" in lines
        assert b"accept-encoding: identity" in lines
        assert sum(line.startswith(b"content-length:") for line in lines) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_compressed_answers_are_asked_for_where_that_is_set(kind: Kind) -> None:
    asked: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await request_in(reader))
        writer.write(USUAL + b"body")

    settings = SubgraphSettings(client=kind, accepts_compressed=True)
    async with serving(talk) as url, client_at(url, settings) as client:
        await awaited(client.carrier, WireRequest(b"{}"))
    assert b"\r\nAccept-Encoding: gzip, deflate\r\n" in asked[0]


async def test_a_new_supergraph_finds_the_connections_of_the_old_one() -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await request_in(reader):
            writer.write(USUAL + b"body")

    name = SubgraphName("s")
    async with serving(talk) as url, wires_of(SubgraphSettings(), None) as wires:
        for _ in range(3):
            await awaited(wires.client(name, url).carrier, WireRequest(b"{}"))
        assert connections == 1
        # Another subgraph has connections of its own, at the same address too.
        await awaited(wires.client(SubgraphName("t"), url).carrier, WireRequest(b"{}"))
        assert connections == 2


async def test_the_setting_decides_by_what_requests_go() -> None:
    for kind, lean in (("lean", True), ("aiohttp", False)):
        async with client_at("http://127.0.0.1:1/", SubgraphSettings(client=kind)) as client:
            assert isinstance(client._wire, LeanClient) == lean


async def test_only_the_lean_client_reaches_a_unix_socket() -> None:
    async with wires_of(SubgraphSettings(client="aiohttp"), None) as wires:
        with pytest.raises(UrlUnusable, match='client = "lean"'):
            wires.client(SubgraphName("s"), "unix:///run/graph.sock")


@pytest.mark.parametrize("kind", KINDS)
def test_a_gateway_does_not_start_with_a_url_that_cannot_be_used(kind: Kind) -> None:
    text = (SUITES / "shop" / "supergraph.graphql").read_text()
    settings = SubgraphSettings(client=kind, urls={"users": "http://me:secret@a.example/"})
    with pytest.raises(UrlUnusable, match=r"URL of subgraph users .* user or password"):
        build_app(Settings(subgraphs=settings), text)
