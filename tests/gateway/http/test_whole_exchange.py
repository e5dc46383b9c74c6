"""An answer in one piece says what ASGI's messages would have said, and a client who leaves is heard at once."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.app import build_app
from gateway.http.identity import Identity
from gateway.http.request_protocol import RequestProtocol
from gateway.http.whole_exchange import Line, WholeExchange
from gateway.settings import CorsSettings, HttpSettings, Limits, Settings
from gateway.traffic_settings import ApiKeySettings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import suite_named
from tests.gateway.http.keys import ANSWERED, ASKED

BODY = json.dumps(ASKED).encode()
HEAD = b"POST /graphql HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


class Written(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def resume_reading(self) -> None:
        pass


class Exchange:
    """One request of a connection whose other end is a list."""

    def __init__(
        self, method: str = "POST", keep_alive: bool = True, paused: bool = False, is_logged: bool = False
    ) -> None:
        self.transport = Written()
        self.completed = 0
        flow = FlowControl(self.transport)
        if paused:
            flow.pause_writing()
        self.cycle = RequestResponseCycle(
            scope={"type": "http", "method": method},  # type: ignore[typeddict-item]
            transport=self.transport,
            flow=flow,
            logger=logging.getLogger(),
            access_logger=logging.getLogger(),
            access_log=is_logged,
            default_headers=[(b"date", b"today")],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=self._complete,
        )
        self.line = Line()
        self.whole = WholeExchange(self.cycle, self.line)

    def _complete(self) -> None:
        self.completed += 1

    def answer(self, status: int = 200, name: bytes = b"X-One", value: bytes = b"1") -> bytes | None:
        """What was written; None where it is left to ASGI."""
        if not self.whole.answer(status, [(name, value), (b"content-length", b"2")], b"{}"):
            assert self.transport.pieces == []
            assert (self.completed, self.cycle.response_started) == (0, False)
            return None
        assert (self.completed, self.cycle.response_complete) == (1, True)
        return b"".join(self.transport.pieces)


@pytest.mark.parametrize("keep_alive", [True, False])
def test_head_and_body_are_written_and_the_connection_kept_or_closed(keep_alive: bool) -> None:
    exchange = Exchange(keep_alive=keep_alive)
    closing = b"" if keep_alive else b"connection: close\r\n"
    head = b"HTTP/1.1 200 OK\r\ndate: today\r\nx-one: 1\r\ncontent-length: 2\r\n" + closing + b"\r\n"
    assert exchange.answer() == head + b"{}"
    assert exchange.transport.closed is not keep_alive
    # A second one is a mistake, which ASGI's way will name.
    assert not exchange.whole.answer(200, [], b"")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x", b"1\r\nset-cookie: a=b"),
        (b"x", b"1\nset-cookie: a=b"),
        (b"x", b"1\rset-cookie: a=b"),
        (b"x", b"1\x00"),
        (b"x", b"1\x7f"),
        (b"x y", b"1"),
        (b"x:", b"1"),
        (b"x\r\ny", b"1"),
        (b"Connection", b"close"),
        (b"transfer-encoding", b"chunked"),
    ],
)
def test_a_header_that_must_not_be_said_so_is_left_to_asgi(name: bytes, value: bytes) -> None:
    assert Exchange().answer(name=name, value=value) is None


def test_an_answer_without_a_body_is_left_to_asgi() -> None:
    assert Exchange(method="HEAD").answer() is None
    assert [Exchange().answer(status) for status in (103, 204, 304, 600)] == [None] * 4


def test_uvicorns_own_access_log_misses_nothing() -> None:
    """It writes a line where ASGI's messages go by."""
    assert Exchange(is_logged=True).answer() is None


def test_who_does_not_read_or_has_left_is_left_to_asgi() -> None:
    assert Exchange(paused=True).answer() is None
    gone = Exchange()
    gone.line.lose()
    assert gone.answer() is None


def test_a_layer_that_stands_between_sees_what_is_sent() -> None:
    exchange = Exchange()

    async def watching(message: Any) -> None:
        await exchange.cycle.send(message)

    assert exchange.whole.takes(exchange.cycle.send)
    assert not exchange.whole.takes(watching)
    assert not exchange.whole.takes(Exchange().cycle.send)


def test_who_leaves_is_told_of_once_and_only_while_somebody_listens() -> None:
    exchange, told = Exchange(), []
    exchange.whole.tell(lambda: told.append("left"))
    exchange.whole.tell(None)
    assert not exchange.whole.has_left
    exchange.line.lose()
    assert (told, exchange.whole.has_left) == ([], True)
    exchange = Exchange()
    exchange.whole.tell(lambda: told.append("left"))
    exchange.line.lose()
    assert (told, exchange.cycle.disconnected) == (["left"], True)


async def said(url: str, sent: bytes) -> tuple[bytes, bytes]:
    """Head and body of the last answer, without the time."""
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    head, _, body = answer.rpartition(b"\r\n\r\n")
    return b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"date:")), body


@pytest.mark.parametrize("origin", [b"", b"Origin: https://app.example\r\n"])
@pytest.mark.parametrize("coding", [b"", b"Accept-Encoding: gzip\r\n", b"Accept: text/html\r\n"])
@pytest.mark.parametrize("compresses_from", [None, 10])
async def test_clients_hear_the_same_from_uvicorns_own_connection(
    origin: bytes, coding: bytes, compresses_from: int | None
) -> None:
    suite = suite_named("shop")
    http = HttpSettings(compresses_from=compresses_from, cors=CorsSettings(("https://app.example",)))
    app = build_app(Settings(http=http), suite.supergraph, suite.subgraphs)
    sent = WHOLE.replace(b"Host: g\r\n", b"Host: g\r\nConnection: close\r\n" + origin + coding)
    async with served(app, http=RequestProtocol) as ours, served(app, http=HttpToolsProtocol) as plain:
        answers = [await said(url, sent) for url in (ours, plain)]
    assert sorted(answers[0][0].split(b"\r\n")) == sorted(answers[1][0].split(b"\r\n"))
    assert (b"access-control" in answers[0][0]) is bool(origin)
    if b"content-encoding" not in answers[0][0]:
        assert answers[0][1] == answers[1][1]


def asked(start: bytes, fields: bytes = b"", body: bytes = b"") -> bytes:
    head = start + b"\r\nHost: g\r\nConnection: close\r\nContent-Type: application/json\r\n" + fields
    return head + (b"Content-Length: %d\r\n" % len(body) if body else b"") + b"\r\n" + body


POST, GET = b"POST /graphql HTTP/1.1", b"GET /graphql?query=%7Bme%7Bname%7D%7D HTTP/1.1"
SHAPES = {
    "get": asked(GET, b"Apollo-Require-Preflight: 1\r\n"),
    "head": asked(GET.replace(b"GET", b"HEAD"), b"Apollo-Require-Preflight: 1\r\n"),
    "http 1.0": asked(b"POST /graphql HTTP/1.0", b"", BODY),
    "in chunks": asked(POST, b"Transfer-Encoding: chunked\r\n") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "no body": asked(POST),
    "no json": asked(POST, b"", b"{"),
    "batch": asked(POST, b"", b"[%b,%b]" % (BODY, BODY)),
    "long": asked(POST, b"", BODY + b" " * 200_000),
    "after another": WHOLE + asked(POST, b"", BODY),
    "events": asked(POST, b"Accept: text/event-stream\r\n", BODY),
    "to upgrade": asked(POST, b"Upgrade: h2c\r\n", BODY),
    "no method": asked(b"OPTIONS /graphql HTTP/1.1"),
    "nowhere": asked(b"POST /nowhere HTTP/1.1", b"", BODY),
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_whatever_is_asked_is_answered_alike(shape: str) -> None:
    suite = suite_named("shop")
    app = build_app(Settings(limits=Limits(max_batch=2)), suite.supergraph, suite.subgraphs)
    async with served(app, http=RequestProtocol) as ours, served(app, http=HttpToolsProtocol) as plain:
        (head, body), (wanted, text) = [await said(url, SHAPES[shape]) for url in (ours, plain)]
    assert (sorted(head.split(b"\r\n")), body) == (sorted(wanted.split(b"\r\n")), text)
    assert head.startswith(b"HTTP/1.1 ")


class Waiting:
    """A subgraph that never answers, and says when it was asked and when it was given up."""

    def __init__(self) -> None:
        self.asked, self.given_up = asyncio.Event(), asyncio.Event()

    async def execute(self, *_: Any) -> Any:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up.set()


@pytest.mark.parametrize("requests", [1, 3])
async def test_who_leaves_with_further_requests_sent_is_heard_too(requests: int) -> None:
    """uvicorn tells the last one of them only, which has not begun."""
    suite, below = suite_named("shop"), Waiting()
    app = build_app(Settings(), suite.supergraph, {**suite.subgraphs, "users": below})  # type: ignore[dict-item]
    async with served(app, http=RequestProtocol) as url, asyncio.timeout(10):
        _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        writer.write(WHOLE)
        await below.asked.wait()
        writer.write(WHOLE * (requests - 1))
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await below.given_up.wait()


class Slow:
    """Who takes its time to know a key."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def identity_of(self, key: str) -> Identity | None:
        self.asked.set()
        await self.may_answer.wait()
        return Identity(key, {}, time.time() + 60)


@pytest.mark.parametrize("requests", [1, 2])
@pytest.mark.parametrize("query", ['mutation { rename(id: "p1", name: "x") { id } }', "{ top { id } }"])
async def test_nothing_runs_for_who_has_left_before_it_was_read(
    query: str, requests: int, caplog: pytest.LogCaptureFixture
) -> None:
    suite, below, verifier = suite_named("shop"), Waiting(), Slow()
    app = build_app(
        Settings(api_keys=ApiKeySettings()),
        suite.supergraph,
        {**suite.subgraphs, "products": below},  # type: ignore[dict-item]
        verifier=verifier,
    )
    body = json.dumps({"query": query}).encode()
    async with served(app, http=RequestProtocol) as url, asyncio.timeout(10):
        logging.getLogger("uvicorn.error").addHandler(caplog.handler)
        _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        writer.write((HEAD + b"X-API-Key: k\r\nContent-Length: %d\r\n\r\n" % len(body) + body) * requests)
        await verifier.asked.wait()
        writer.close()
        await asyncio.sleep(0.2)
        verifier.may_answer.set()
        await asyncio.sleep(0.2)
        assert not below.asked.is_set()
    assert caplog.text == ""


async def test_a_layer_may_read_the_body_and_hand_it_on() -> None:
    suite = suite_named("shop")
    inner = build_app(Settings(), suite.supergraph, suite.subgraphs)

    async def replaying(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await inner(scope, receive, send)
        message = await receive()

        async def again() -> Any:
            return message

        await inner(scope, again, send)

    async with served(replaying, http=RequestProtocol) as url:
        _, body = await said(url, WHOLE.replace(b"Host: g\r\n", b"Host: g\r\nConnection: close\r\n"))
    assert json.loads(body) == ANSWERED


@pytest.mark.parametrize("start", [b"POST /graphql", b"GET /graphql?query=%7Bme%7Bname%7D%7D"])
async def test_a_long_body_does_not_hide_that_its_client_left(start: bytes) -> None:
    """The connection is not read while a body of more than 64 kB waits to be taken."""
    suite, below = suite_named("shop"), Waiting()
    app = build_app(Settings(), suite.supergraph, {**suite.subgraphs, "users": below})  # type: ignore[dict-item]
    body = json.dumps({**ASKED, "query": ASKED["query"] + " " * 100_000}).encode()
    async with served(app, http=RequestProtocol) as url, asyncio.timeout(10):
        _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        head = HEAD.replace(b"POST /graphql", start) + b"Apollo-Require-Preflight: 1\r\n"
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await below.asked.wait()
        writer.close()
        await below.given_up.wait()


async def test_answers_follow_one_another_on_a_kept_connection() -> None:
    suite = suite_named("shop")
    app = build_app(Settings(), suite.supergraph, suite.subgraphs)
    async with served(app, http=RequestProtocol) as url, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        answer = json.dumps(ANSWERED, separators=(",", ":")).encode()
        for together in (1, 2, 5):
            writer.write(WHOLE * together)
            for _ in range(together):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
                assert await reader.readexactly(len(answer)) == answer
        writer.close()


async def test_what_was_answered_does_not_wait_for_the_collector() -> None:
    """It cost each request 6 % more: what the next ones use was never what had just been used."""
    suite = suite_named("shop")
    app = build_app(Settings(), suite.supergraph, suite.subgraphs)
    async with served(app, http=RequestProtocol) as url, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                writer.write(WHOLE)
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(len(json.dumps(ANSWERED, separators=(",", ":"))))
            # The connection keeps the last one.
            assert sum(isinstance(each, RequestResponseCycle) for each in gc.get_objects()) == 1
        finally:
            gc.enable()
        writer.close()
