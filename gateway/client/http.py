"""Requests to a subgraph over HTTP, on kept connections.

Plain requests go by a `WireClient` (`lean.client`) where one is given, else over aiohttp as streams and files do.
In: a `SubgraphRequest`. Out: its answer. Refuses what is late, too large or no GraphQL answer, whatever the status
says: a GraphQL answer under status 500 is an answer, an HTML page under status 200 is not.
Nothing that a subgraph may have seen is sent again here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import msgspec
from msgspec import Struct

from gateway.client.answer import answer_from_wire
from gateway.client.errors import AnswerTooLarge, TimedOut, Unreachable
from gateway.client.event_source import event_answers
from gateway.client.protocol import (
    HeaderExchange,
    SubgraphAnswer,
    SubgraphRequest,
    WireAnswer,
    WireClient,
    WireRequest,
)
from gateway.client.request_headers import headers_for
from gateway.client.stream import StreamSettings, stream_answers
from gateway.client.upload import multipart_body, uploads_in
from gateway.plan.nodes import SubgraphName
from gateway.settings import StreamProtocol

_encoder = msgspec.json.Encoder()


class Streaming(Struct, frozen=True):
    """How the subgraph is subscribed to. silence_s: how long an SSE stream may bring nothing at all."""

    protocol: StreamProtocol = "websocket"
    silence_s: float = 60.0


class HttpClient:
    def __init__(
        self,
        name: SubgraphName,
        url: str,
        session: aiohttp.ClientSession,
        timeout_s: float,
        max_answer_bytes: int,
        streaming: Streaming = Streaming(),  # noqa: B008 - a frozen value
        wire: WireClient | None = None,
    ) -> None:
        self.name = name
        self._url = url
        self._session = session
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._streaming = streaming
        self._wire = wire

    async def request(self, request: SubgraphRequest) -> SubgraphAnswer:
        try:
            body = body_of(request)
        except TypeError:
            # What JSON cannot say are files.
            answer = await self._with_files(request)
        else:
            answer = await self.send(
                WireRequest(body, request.kind, request.caller_token, request.trace_id, request.headers)
            )
        return answer_from_wire(self.name, answer)

    def send(self, request: WireRequest) -> asyncio.Future[WireAnswer]:
        if self._wire is not None:
            return self._wire.send(request)
        return asyncio.ensure_future(self._sent_by_aiohttp(request))

    async def _sent_by_aiohttp(self, request: WireRequest) -> WireAnswer:
        headers = [*headers_for(self.name, request), ("Content-Type", "application/json")]
        return await self._sent(request.body, headers, request.headers)

    async def _with_files(self, request: SubgraphRequest) -> WireAnswer:
        headers = [*headers_for(self.name, request), ("GraphQL-Require-Preflight", "1")]
        files = list(uploads_in(request.variables))
        return await self._sent(multipart_body(request.document, request.variables, files), headers, request.headers)

    async def _sent(
        self, body: bytes | aiohttp.FormData, headers: list[tuple[str, str]], exchange: HeaderExchange | None
    ) -> WireAnswer:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                if exchange is not None:
                    exchange.from_subgraph(self.name, response.headers.items())
                return WireAnswer(response.status, await self._bytes_of(response))
        except TimeoutError as error:
            raise TimedOut(self.name, self._timeout_s) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(self.name, str(error) or type(error).__name__) from error

    def stream(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        settings = StreamSettings(self._timeout_s, self._max_answer_bytes, silence_s=self._streaming.silence_s)
        headers = headers_for(self.name, request)
        answers = event_answers if self._streaming.protocol == "sse" else stream_answers
        return answers(self.name, self._url, self._session, request, headers, settings)

    async def close(self) -> None:
        """Connections are the application's: they outlive any one client."""

    async def _bytes_of(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or 0) > self._max_answer_bytes:
            raise AnswerTooLarge(self.name, self._max_answer_bytes)
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._max_answer_bytes:
                raise AnswerTooLarge(self.name, self._max_answer_bytes)
            chunks.append(chunk)
        return b"".join(chunks)


def body_of(request: SubgraphRequest) -> bytes:
    """Raises `TypeError` where files are among the variables."""
    return _encoder.encode({"query": request.document, "variables": request.variables})
