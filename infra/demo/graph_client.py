"""Speak GraphQL to a gateway as any client would: documents over HTTP, subscriptions over graphql-transport-ws.

In: a gateway's URL and, once signed in, a token. Out: the `data` of an answer, or the events of a subscription.
Refuses to hide errors: an answer with `errors` raises, with what the gateway said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

# The wire's JSON is dynamic by nature; what leaves this package is read by field name, at one place each.
Json = Any

_WS_PROTOCOL = "graphql-transport-ws"
_HANDSHAKE_S = 10.0


class GraphFailed(Exception):
    """The gateway answered with errors. `errors` holds them as they came."""

    def __init__(self, operation: str, errors: list[Json]) -> None:
        lines = [f"  {_place(error)}{error.get('message', 'no message')}{_code(error)}" for error in errors]
        super().__init__("\n".join([f"{operation} was refused:", *lines]))
        self.errors = errors


class StreamEnded(Exception):
    """The connection under a subscription ended before its last event: subscribe again with the last cursor."""


class GraphClient:
    """One client of one gateway. Use as an async context manager."""

    def __init__(self, url: str, token: str | None = None, timeout_s: float = 60.0) -> None:
        self._url = url
        self._token = token
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP session; also what parts are uploaded with."""
        if self._session is None:
            raise RuntimeError("GraphClient is used as `async with GraphClient(...) as client`.")
        return self._session

    def signed_in(self, token: str) -> None:
        """Send `token` with everything from now on."""
        self._token = token

    async def ask(
        self, document: str, variables: Mapping[str, Json] | None = None, operation: str | None = None
    ) -> dict[str, Json]:
        """The data of `document`'s answer. Raises GraphFailed when it has errors."""
        answer = await self.answer(document, variables, operation)
        if answer.get("errors"):
            raise GraphFailed(operation or "The document", answer["errors"])
        data: dict[str, Json] = answer["data"]
        return data

    async def answer(
        self,
        document: str,
        variables: Mapping[str, Json] | None = None,
        operation: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Json]:
        """The whole answer: data, errors, extensions."""
        body = {"query": document, "variables": dict(variables or {}), "operationName": operation}
        sent = {
            "content-type": "application/json",
            "accept": "application/graphql-response+json, application/json;q=0.9",
            **self._authorization(),
            **(headers or {}),
        }
        async with self.session.post(self._url, data=msgspec.json.encode(body), headers=sent) as response:
            content = await response.read()
        try:
            decoded: dict[str, Json] = msgspec.json.decode(content)
        except msgspec.DecodeError as error:
            raise GraphFailed(operation or "The document", [{"message": f"not JSON: {content[:200]!r}"}]) from error
        return decoded

    async def subscribe(
        self, document: str, variables: Mapping[str, Json] | None = None, operation: str | None = None
    ) -> AsyncIterator[dict[str, Json]]:
        """The data of each event, until the subscription completes. Raises GraphFailed, StreamEnded."""
        async with self.session.ws_connect(self._url, protocols=[_WS_PROTOCOL], heartbeat=20) as socket:
            await socket.send_json({"type": "connection_init", "payload": self._authorization()})
            await asyncio.wait_for(_expect(socket, "connection_ack"), _HANDSHAKE_S)
            payload = {"query": document, "variables": dict(variables or {}), "operationName": operation}
            await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                frame = msgspec.json.decode(message.data)
                match frame["type"]:
                    case "next":
                        event = frame["payload"]
                        if event.get("errors"):
                            raise GraphFailed(operation or "The subscription", event["errors"])
                        yield event["data"]
                    case "error":
                        raise GraphFailed(operation or "The subscription", frame["payload"])
                    case "complete":
                        return
                    case "ping":
                        await socket.send_json({"type": "pong"})
            raise StreamEnded(f"The gateway closed the subscription (code {socket.close_code}).")

    def _authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"} if self._token else {}


async def _expect(socket: aiohttp.ClientWebSocketResponse, wanted: str) -> None:
    frame = await socket.receive_json()
    if frame.get("type") != wanted:
        raise StreamEnded(f"The gateway answered {frame!r} where {wanted} was expected.")


def _place(error: Json) -> str:
    path = ".".join(str(step) for step in error.get("path") or ())
    return f"{path}: " if path else ""


def _code(error: Json) -> str:
    code = (error.get("extensions") or {}).get("code")
    return f" [{code}]" if code else ""
