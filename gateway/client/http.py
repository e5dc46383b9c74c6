"""Requests to a subgraph over HTTP, on kept connections.

Plain requests go by another `Carrier` (`lean.client`) where one is given, else over aiohttp as streams and files do.
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
from gateway.client.answer_headers import AnswerHeaders
from gateway.client.carrying import Carried, Carrier, Receiver, awaited
from gateway.client.errors import AnswerTooLarge, TimedOut, Unreachable
from gateway.client.event_source import event_answers
from gateway.client.protocol import SubgraphAnswer, SubgraphRequest, WireAnswer, WireRequest
from gateway.client.request_headers import Pairs, headers_for, passed_headers
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
        wire: Carrier | None = None,
    ) -> None:
        self.name = name
        self._url = url
        self._session = session
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._streaming = streaming
        self._wire = wire

    @property
    def carrier(self) -> Carrier:
        """What plain requests go by."""
        return self._wire or self

    async def request(self, request: SubgraphRequest) -> SubgraphAnswer:
        try:
            body = body_of(request)
        except TypeError:
            # What JSON cannot say are files.
            answer = await self._with_files(request)
        else:
            wired = WireRequest(body, request.kind, request.caller_token, request.trace_id, request.headers)
            answer = await awaited(self.carrier, wired)
        return answer_from_wire(self.name, answer)

    def carry(self, request: WireRequest, passed: Pairs, receiver: Receiver) -> Carried:
        headers = [*headers_for(self.name, request, passed), ("Content-Type", "application/json")]
        return _Posted(self.name, asyncio.ensure_future(self._sent(request.body, headers)), receiver)

    async def _with_files(self, request: SubgraphRequest) -> WireAnswer:
        passed = passed_headers(self.name, request.headers)
        headers = [*headers_for(self.name, request, passed), ("GraphQL-Require-Preflight", "1")]
        files = list(uploads_in(request.variables))
        body = multipart_body(request.document, request.variables, files)
        answer, heard = await self._sent(body, headers)
        if request.headers is not None:
            request.headers.from_subgraph(self.name, heard)
        return answer

    async def _sent(
        self, body: bytes | aiohttp.FormData, headers: list[tuple[str, str]]
    ) -> tuple[WireAnswer, AnswerHeaders]:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                answer = WireAnswer(response.status, await self._bytes_of(response))
                return answer, AnswerHeaders(pairs=response.headers.items())
        except TimeoutError as error:
            raise TimedOut(self.name, self._timeout_s) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(self.name, str(error) or type(error).__name__) from error

    def stream(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        settings = StreamSettings(self._timeout_s, self._max_answer_bytes, silence_s=self._streaming.silence_s)
        headers = headers_for(self.name, request, passed_headers(self.name, request.headers))
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


class _Posted:
    """One request by aiohttp."""

    def __init__(
        self, subgraph: SubgraphName, task: asyncio.Task[tuple[WireAnswer, AnswerHeaders]], receiver: Receiver
    ) -> None:
        self._subgraph, self._task, self._receiver = subgraph, task, receiver
        task.add_done_callback(self._ended)

    def give_up(self) -> None:
        self._task.remove_done_callback(self._ended)
        self._task.cancel()

    def _ended(self, task: asyncio.Task[tuple[WireAnswer, AnswerHeaders]]) -> None:
        if task.cancelled():
            self._receiver.failed(Unreachable(self._subgraph, "the gateway is stopping"))
        elif (failure := task.exception()) is not None:
            self._receiver.failed(failure)
        else:
            self._receiver.answered(*task.result())


def body_of(request: SubgraphRequest) -> bytes:
    """Raises `TypeError` where files are among the variables."""
    return _encoder.encode({"query": request.document, "variables": request.variables})
