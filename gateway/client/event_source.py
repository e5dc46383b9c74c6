"""A subscription of a subgraph over server-sent events (GraphQL over SSE, distinct connections): one POST for it.

In: a `SubgraphRequest`. Out: an answer for every `next`, until `complete`. Closing the iterator closes the connection,
and so the subscription upstream. An operation that the subgraph refuses with a GraphQL answer gives that answer.
Refuses what is no event stream, an event larger than allowed, silence, and an end without `complete`. It never
reconnects: events may have been missed, and whoever subscribed must learn of that.
Nothing is queued here: the connection is read when the next event is wanted, so a slow reader slows the subgraph.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence

import aiohttp
import msgspec

from gateway.client.answer import answer_from_bytes
from gateway.client.errors import (
    AnswerMalformed,
    AnswerTooLarge,
    RefusedByStatus,
    StreamBroken,
    TimedOut,
    Unreachable,
)
from gateway.client.protocol import SubgraphAnswer, SubgraphRequest
from gateway.client.stream import StreamSettings

MEDIA_TYPE = "text/event-stream"
_encoder = msgspec.json.Encoder()
_LINE_END = re.compile(rb"\r\n|\n|\r")
_MARK = b"\xef\xbb\xbf"
# What an answer that is no stream may hold: it only says why there is none.
_REFUSAL_BYTES = 1024 * 1024


async def event_answers(
    subgraph: str,
    url: str,
    session: aiohttp.ClientSession,
    request: SubgraphRequest,
    headers: Sequence[tuple[str, str]],
    settings: StreamSettings,
) -> AsyncIterator[SubgraphAnswer]:
    response = await _open(subgraph, url, session, request, headers, settings)
    try:
        if response.content_type != MEDIA_TYPE or response.status != 200:
            yield await _refusal(subgraph, response, settings)
            return
        async for name, data in _events(subgraph, response, settings):
            match name:
                case "next":
                    yield answer_from_bytes(subgraph, data)
                case "complete":
                    return
                case other:
                    raise StreamBroken(subgraph, f"event of unknown name {other!r:.60}")
        raise StreamBroken(subgraph, "it ended without `complete`")
    finally:
        response.close()


async def _open(
    subgraph: str,
    url: str,
    session: aiohttp.ClientSession,
    request: SubgraphRequest,
    headers: Sequence[tuple[str, str]],
    settings: StreamSettings,
) -> aiohttp.ClientResponse:
    sent = [(name, value) for name, value in headers if name.lower() not in ("accept", "accept-encoding")]
    # Compressed events may wait in a compressor for more to come.
    sent += [("Accept", MEDIA_TYPE), ("Accept-Encoding", "identity"), ("Content-Type", "application/json")]
    body = _encoder.encode({"query": request.document, "variables": request.variables})
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            return await session.post(url, data=body, headers=sent, allow_redirects=False)
    except TimeoutError as error:
        raise TimedOut(subgraph, settings.connect_timeout_s) from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(subgraph, str(error) or type(error).__name__) from error


async def _refusal(subgraph: str, response: aiohttp.ClientResponse, settings: StreamSettings) -> SubgraphAnswer:
    """What the subgraph says instead of a stream, when that is a GraphQL answer without data."""
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            answer = answer_from_bytes(subgraph, await _beginning(response))
    except (AnswerMalformed, TimeoutError, aiohttp.ClientError, OSError):
        answer = None
    if answer is not None and answer.data is None:
        return answer
    if response.status != 200:
        raise RefusedByStatus(subgraph, response.status)
    raise StreamBroken(subgraph, f"it is no event stream but {response.content_type!r:.80}")


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    found = b""
    while len(found) < _REFUSAL_BYTES and (chunk := await response.content.readany()):
        found += chunk
    return found


async def _events(
    subgraph: str, response: aiohttp.ClientResponse, settings: StreamSettings
) -> AsyncIterator[tuple[str, bytes]]:
    reader = EventReader(subgraph, settings.max_message_bytes)
    while chunk := await _chunk(subgraph, response, settings.silence_s):
        for event in reader.events(chunk):
            yield event


async def _chunk(subgraph: str, response: aiohttp.ClientResponse, silence_s: float) -> bytes:
    """What came next; nothing at the end."""
    try:
        async with asyncio.timeout(silence_s):
            return await response.content.readany()
    except TimeoutError:
        raise StreamBroken(subgraph, f"nothing came for {silence_s:g} s, not even a comment") from None
    except (aiohttp.ClientError, OSError) as error:
        raise StreamBroken(subgraph, str(error) or type(error).__name__) from error


class EventReader:
    """Bytes in, events out, each with its name and data. Comments, ids and retry times are passed over."""

    def __init__(self, subgraph: str, max_bytes: int) -> None:
        self._subgraph = subgraph
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._searched = 0
        self._at_start = True
        self._after_return = False
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def events(self, chunk: bytes) -> Iterator[tuple[str, bytes]]:
        self._rest += chunk
        for line in self._lines():
            if line:
                self._take(line)
            else:
                # An event without data is none, but a bare `complete` has nothing to say.
                if self._data or self._name:
                    yield self._name or "message", b"\n".join(self._data)
                self._name, self._data, self._size = "", [], 0

    def _lines(self) -> Iterator[bytes]:
        while found := _LINE_END.search(self._rest, self._searched):
            line = bytes(self._rest[: found.start()])
            ended_by, empty = found.group(), not found.start()
            del self._rest[: found.end()]
            self._searched = 0
            # A line feed that came apart from its carriage return ends nothing.
            second_half = self._after_return and empty and ended_by == b"\n"
            self._after_return = ended_by == b"\r" and not self._rest
            if not second_half:
                self._check(len(line))
                yield self._unmarked(line)
        self._searched = len(self._rest)
        self._check(self._searched)
        self._after_return = self._after_return and not self._rest

    def _unmarked(self, line: bytes) -> bytes:
        """The stream's first line may begin with a byte order mark."""
        at_start, self._at_start = self._at_start, False
        return line.removeprefix(_MARK) if at_start else line

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._name = value.decode(errors="replace")
        elif field == b"data":
            self._data.append(value)
            self._size += len(value) + 1

    def _check(self, pending: int) -> None:
        if self._size + pending > self._max_bytes:
            raise AnswerTooLarge(self._subgraph, self._max_bytes)
