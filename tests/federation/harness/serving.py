"""Apps on real sockets of 127.0.0.1, inside the test's event loop."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.http.request_protocol import RequestProtocol
from gateway.http.socket_protocol import SocketProtocol
from tests.federation.harness.subgraph import DataSubgraph


@asynccontextmanager
async def served(app: Any, **options: Any) -> AsyncIterator[str]:
    """The app's base URL while it runs; `options` are uvicorn's."""
    # asyncio sends small pieces at once (TCP_NODELAY) only where the socket says that it is TCP: else 40 ms an answer.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    usual = {"log_level": "warning", "timeout_graceful_shutdown": 1, "lifespan": "on", "proxy_headers": False}
    usual |= {"http": RequestProtocol, "ws": SocketProtocol}
    config = uvicorn.Config(app, **(usual | options))
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not `serve()`: it looks for the end every tenth of a second, and there are many servers in a run.
    await server.startup(sockets=[listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await server.shutdown(sockets=[listener])


async def _as_events(results: AsyncIterator[Any]) -> AsyncIterator[str]:
    yield ":\n\n"
    async for result in results:
        yield f"event: next\ndata: {json.dumps(result)}\n\n"
    yield "event: complete\n\n"


def app_of(subgraphs: Mapping[str, DataSubgraph]) -> Starlette:
    """Each subgraph at `/<name>`: by POST, also with an event stream as its answer, and by graphql-transport-ws."""

    async def answer(request: Request) -> Response:
        asked = await request.json()
        subgraph = subgraphs[request.path_params["name"]]
        token = request.headers.get("caller-token")
        if request.headers["accept"] == "text/event-stream":
            events = subgraph.subscribe(asked["query"], asked.get("variables") or {}, None, token)
            return StreamingResponse(_as_events(events), media_type="text/event-stream")
        return JSONResponse(await subgraph.execute(asked["query"], asked.get("variables") or {}, None, token))

    async def stream(socket: WebSocket) -> None:
        await socket.accept("graphql-transport-ws")
        subgraph = subgraphs[socket.path_params["name"]]
        try:
            assert (await socket.receive_json())["type"] == "connection_init"
            await socket.send_json({"type": "connection_ack"})
            asked = await socket.receive_json()
            payload, token = asked["payload"], socket.headers.get("caller-token")
            async for event in subgraph.subscribe(payload["query"], payload.get("variables") or {}, None, token):
                await socket.send_json({"id": asked["id"], "type": "next", "payload": event})
            await socket.send_json({"id": asked["id"], "type": "complete"})
            await socket.receive()
        except WebSocketDisconnect:
            pass

    return Starlette(routes=[Route("/{name}", answer, methods=["POST"]), WebSocketRoute("/{name}", stream)])
