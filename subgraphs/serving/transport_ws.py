"""The server's side of `graphql-transport-ws`. In: a websocket and a subgraph. Out: the protocol, until it closes.

The caller token comes in the handshake's header or in `connection_init` under the same name. Closing codes are the
protocol's: 4400 unreadable, 4401 not initialised, 4408 too slow to initialise, 4409 id in use, 4429 initialised twice.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from subgraphs.serving.caller_token import HEADER
from subgraphs.serving.in_process import InProcessSubgraph

PROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT_S = 10.0

Message = dict[str, Any]


class _Closing(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class TransportWebSocket:
    def __init__(self, socket: WebSocket, subgraph: InProcessSubgraph, init_timeout_s: float = INIT_TIMEOUT_S) -> None:
        self._socket = socket
        self._subgraph = subgraph
        self._init_timeout_s = init_timeout_s
        self._caller_token: str | None = socket.headers.get(HEADER)
        self._operations: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        if PROTOCOL not in self._socket.scope.get("subprotocols", []):
            await self._socket.close(4406, "Subprotocol not acceptable")
            return
        await self._socket.accept(subprotocol=PROTOCOL)
        try:
            await self._initialise()
            while True:
                await self._handle(await self._receive())
        except _Closing as closing:
            with suppress(RuntimeError):
                await self._socket.close(closing.code, closing.reason)
        except WebSocketDisconnect:
            pass
        finally:
            await self._stop_all()

    async def _initialise(self) -> None:
        try:
            first = await asyncio.wait_for(self._receive(), self._init_timeout_s)
        except TimeoutError as late:
            raise _Closing(4408, "Connection initialisation timeout") from late
        if first["type"] != "connection_init":
            raise _Closing(4401, "Unauthorized")
        payload = first.get("payload") or {}
        if not isinstance(payload, Mapping):
            raise _Closing(4400, "Invalid connection init payload")
        named = {str(name).lower(): value for name, value in payload.items()}
        if isinstance(token := named.get(HEADER.lower()), str):
            self._caller_token = token
        await self._send({"type": "connection_ack"})

    async def _handle(self, message: Message) -> None:
        match message:
            case {"type": "ping"}:
                await self._send({"type": "pong"})
            case {"type": "pong"}:
                pass
            case {"type": "subscribe", "id": str(name), "payload": {"query": str()} as payload}:
                if name in self._operations:
                    raise _Closing(4409, f"Subscriber for {name} already exists")
                self._operations[name] = asyncio.create_task(self._run(name, payload))
            case {"type": "complete", "id": str(name)}:
                if running := self._operations.pop(name, None):
                    running.cancel()
            case {"type": "connection_init"}:
                raise _Closing(4429, "Too many initialisation requests")
            case _:
                raise _Closing(4400, "Invalid message")

    async def _run(self, name: str, payload: Message) -> None:
        responses = self._subgraph.subscribe(
            payload["query"], payload.get("variables"), payload.get("operationName"), self._caller_token
        )
        try:
            async with aclosing(responses):
                async for response in responses:
                    if response["data"] is None and not _has_path(response):
                        await self._send({"id": name, "type": "error", "payload": response["errors"]})
                        return
                    await self._send({"id": name, "type": "next", "payload": response})
            await self._send({"id": name, "type": "complete"})
        except (WebSocketDisconnect, RuntimeError):
            # The socket went while an event was on its way: there is nobody left to tell.
            pass
        finally:
            self._operations.pop(name, None)

    async def _receive(self) -> Message:
        try:
            message = json.loads(await self._socket.receive_text())
        except (ValueError, KeyError) as unreadable:
            raise _Closing(4400, "Invalid message") from unreadable
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Closing(4400, "Invalid message")
        return message

    async def _send(self, message: Message) -> None:
        await self._socket.send_text(json.dumps(message))

    async def _stop_all(self) -> None:
        running = list(self._operations.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _has_path(response: Message) -> bool:
    """Whether an operation ran and failed, as against one that was refused before it began."""
    return any("path" in error for error in response.get("errors", ()))
