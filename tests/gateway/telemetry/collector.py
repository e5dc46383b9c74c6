"""A collector of traces, a real HTTP server that takes OTLP in JSON and is strict about it."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

_ID, _SPAN_ID, _NUMBER = (re.compile(pattern) for pattern in ("[0-9a-f]{32}", "[0-9a-f]{16}", "[1-9][0-9]{18}"))


class Closed(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    pass


class Value(Closed, omit_defaults=True):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: str | None = None
    double_value: float | None = None
    array_value: dict[str, list[Value]] | None = None

    def said(self) -> Any:
        if self.array_value is not None:
            return [each.said() for each in self.array_value["values"]]
        if self.int_value is not None:
            return int(self.int_value)
        return next(each for each in (self.string_value, self.bool_value, self.double_value) if each is not None)


class KeyValue(Closed):
    key: str
    value: Value


class Link(Closed):
    trace_id: str
    span_id: str


class Status(Closed):
    code: int
    message: str = ""


class Span(Closed):
    trace_id: str
    span_id: str
    name: str
    kind: int
    start_time_unix_nano: str
    end_time_unix_nano: str
    attributes: list[KeyValue]
    flags: int = 0
    parent_span_id: str | None = None
    trace_state: str | None = None
    links: list[Link] = []
    status: Status = Status(0)

    def __post_init__(self) -> None:
        assert _ID.fullmatch(self.trace_id)
        assert _SPAN_ID.fullmatch(self.span_id)
        assert _NUMBER.fullmatch(self.start_time_unix_nano)
        assert _NUMBER.fullmatch(self.end_time_unix_nano)
        assert self.start_time_unix_nano <= self.end_time_unix_nano
        assert len({each.key for each in self.attributes}) == len(self.attributes)

    def __getitem__(self, key: str) -> Any:
        return {each.key: each.value.said() for each in self.attributes}[key]

    def has(self, key: str) -> bool:
        return any(each.key == key for each in self.attributes)


class Attributes(Closed):
    attributes: list[KeyValue]


class Scope(Closed):
    name: str


class ScopeSpans(Closed):
    scope: Scope
    spans: list[Span]


class ResourceSpans(Closed):
    resource: Attributes
    scope_spans: list[ScopeSpans]


class Traces(Closed):
    resource_spans: list[ResourceSpans]


_decoder = msgspec.json.Decoder(Traces)
Answering = Callable[[int], Awaitable[web.Response]]


class Collector:
    """`answering`: by the request's number, from 1; the usual: takes all."""

    def __init__(self, answering: Answering | None = None) -> None:
        self.url = ""
        self.bodies: list[bytes] = []
        self.headers: list[Any] = []
        self.spans: list[Span] = []
        self._answering = answering

    async def take(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/json"
        self.bodies.append(await request.read())
        self.headers.append(request.headers)
        if self._answering is not None:
            answer = await self._answering(len(self.bodies))
            if answer.status != 200:
                return answer
        (resource,) = _decoder.decode(self.bodies[-1]).resource_spans
        self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.json_response({})

    async def has(self, number: int) -> list[Span]:
        """So many spans and no more."""
        async with asyncio.timeout(30):
            while len(self.spans) < number:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert len(self.spans) == number, [span.name for span in self.spans]
        return self.spans

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> Span:
        (found,) = self.named(name)
        return found

    def tree(self) -> dict[str, list[str]]:
        """Names of spans by the name of their parent ("" for none that is known)."""
        names = {span.span_id: span.name for span in self.spans}
        assert len(names) == len(self.spans)
        found: dict[str, list[str]] = {}
        for span in self.spans:
            found.setdefault(names.get(span.parent_span_id or "", ""), []).append(span.name)
        return {parent: sorted(children) for parent, children in found.items()}

    def traces(self) -> Counter[str]:
        return Counter(span.trace_id for span in self.spans)


@asynccontextmanager
async def collecting(answering: Answering | None = None) -> AsyncIterator[Collector]:
    collector = Collector(answering)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces"
        yield collector
    finally:
        await runner.cleanup()
