"""A subscription of a subgraph over WebSocket, sub-protocol `graphql-transport-ws`: one socket for one subscription.

In: a `SubgraphRequest`. Out: an answer for every event. Closing the iterator closes the socket, and so the
subscription upstream. Who asks is said twice: in the `Caller-Token` header of the upgrade, and under the same name in
the payload of `connection_init`, for servers that cannot read headers there.
Nothing is queued here: the socket is read when the next event is wanted, so a slow reader slows the subgraph.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import aiohttp
import msgspec
from msgspec import Struct

from gateway.client.answer import answer_from_value
from gateway.client.errors import StreamBroken, TimedOut, Unreachable
from gateway.client.protocol import AnswerError, SubgraphAnswer, SubgraphRequest

SUBPROTOCOL = "graphql-transport-ws"
_SUBSCRIPTION_ID = "1"


class StreamSettings(Struct, frozen=True):
    connect_timeout_s: float
    max_message_bytes: int
    # Long, because a reader that is slow on purpose answers no heartbeat while it does not read.
    heartbeat_s: float = 60.0
    # Over SSE: how long a stream that is read may bring nothing, comments included.
    silence_s: float = 60.0


class _Message(Struct):
    type: str
    id: str | None = None
    payload: object = None


_decoder = msgspec.json.Decoder(_Message)


async def stream_answers(
    subgraph: str,
    url: str,
    session: aiohttp.ClientSession,
    request: SubgraphRequest,
    headers: Sequence[tuple[str, str]],
    settings: StreamSettings,
) -> AsyncIterator[SubgraphAnswer]:
    socket = await _open(subgraph, url, session, request, headers, settings)
    try:
        while True:
            message = await _next_message(subgraph, socket)
            match message.type:
                case "next":
                    yield answer_from_value(subgraph, message.payload)
                case "error":
                    yield SubgraphAnswer(errors=_errors_of(message.payload))
                    return
                case "complete":
                    return
                case "ping":
                    await socket.send_json({"type": "pong"})
                case "pong":
                    pass
                case other:
                    raise StreamBroken(subgraph, f"message of unknown type {other!r}")
    finally:
        await _close(socket)


async def _open(
    subgraph: str,
    url: str,
    session: aiohttp.ClientSession,
    request: SubgraphRequest,
    headers: Sequence[tuple[str, str]],
    settings: StreamSettings,
) -> aiohttp.ClientWebSocketResponse[bool]:
    socket: aiohttp.ClientWebSocketResponse[bool] | None = None
    opened = False
    try:
        async with asyncio.timeout(settings.connect_timeout_s):
            socket = await session.ws_connect(
                _websocket_url(url),
                protocols=(SUBPROTOCOL,),
                headers=[(name, value) for name, value in headers if name != "Accept"],
                heartbeat=settings.heartbeat_s,
                max_msg_size=settings.max_message_bytes,
            )
            if socket.protocol != SUBPROTOCOL:
                raise StreamBroken(subgraph, f"it does not speak {SUBPROTOCOL}")
            await _introduce(subgraph, socket, request)
            opened = True
            return socket
    except TimeoutError as error:
        raise TimedOut(subgraph, settings.connect_timeout_s) from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(subgraph, str(error) or type(error).__name__) from error
    finally:
        if socket is not None and not opened:
            await _close(socket)


async def _introduce(subgraph: str, socket: aiohttp.ClientWebSocketResponse[bool], request: SubgraphRequest) -> None:
    payload = {} if request.caller_token is None else {"Caller-Token": request.caller_token}
    await socket.send_json({"type": "connection_init", "payload": payload})
    while (message := await _next_message(subgraph, socket)).type != "connection_ack":
        if message.type == "ping":
            await socket.send_json({"type": "pong"})
    await socket.send_json(
        {
            "type": "subscribe",
            "id": _SUBSCRIPTION_ID,
            "payload": {"query": request.document, "variables": request.variables},
        }
    )


async def _next_message(subgraph: str, socket: aiohttp.ClientWebSocketResponse[bool]) -> _Message:
    received = await socket.receive()
    if received.type is not aiohttp.WSMsgType.TEXT:
        raise StreamBroken(subgraph, f"closed with code {socket.close_code} {received.extra or ''}".rstrip())
    try:
        return _decoder.decode(received.data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise StreamBroken(subgraph, str(error)) from error


def _errors_of(payload: object) -> list[AnswerError]:
    try:
        return msgspec.convert(payload, list[AnswerError]) or [AnswerError()]
    except msgspec.ValidationError:
        return [AnswerError()]


async def _close(socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
    # Shielded and short: a cancelled reader must still hang up, and must not wait for a subgraph that is gone.
    async def hang_up() -> None:
        async with asyncio.timeout(1.0):
            await socket.close()

    try:
        await asyncio.shield(asyncio.ensure_future(hang_up()))
    except (TimeoutError, aiohttp.ClientError, OSError):
        return


def _websocket_url(url: str) -> str:
    return "ws" + url.removeprefix("http") if url.startswith("http") else url
