"""One subgraph on a socket: `POST /graphql`, `graphql-transport-ws` on the same path, and `/health`.

In: an `InProcessSubgraph` and what must be opened and closed with it. Out: an ASGI app. It has no GraphiQL, no GET and
no CORS: only the gateway talks to it.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from subgraphs.serving import deadline
from subgraphs.serving.caller_token import HEADER
from subgraphs.serving.deadline import seconds_in
from subgraphs.serving.in_process import InProcessSubgraph
from subgraphs.serving.transport_ws import TransportWebSocket

MAX_BODY_BYTES = 4 * 1024 * 1024

OpenSubgraph = Callable[[], AbstractAsyncContextManager[InProcessSubgraph]]


def subgraph_app(name: str, opened: OpenSubgraph) -> Starlette:
    """The app of one subgraph. `opened` runs at start and is left at shutdown."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened() as subgraph:
            app.state.subgraph = subgraph
            yield

    async def health(_: Request) -> Response:
        return JSONResponse({"subgraph": name, "status": "up"})

    return Starlette(
        routes=[
            Route("/graphql", _answer_post, methods=["POST"]),
            WebSocketRoute("/graphql", _answer_socket),
            Route("/health", health),
        ],
        lifespan=lifespan,
    )


async def _answer_post(request: Request) -> Response:
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        return _refusal("The request is too large.", 413)
    try:
        asked = json.loads(body)
    except ValueError:
        return _refusal("The body is not JSON.", 400)
    if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
        return _refusal("The body needs a text `query`.", 400)
    variables, operation_name = asked.get("variables"), asked.get("operationName")
    if not isinstance(variables, dict | None) or not isinstance(operation_name, str | None):
        return _refusal("`variables` is an object and `operationName` a text.", 400)
    subgraph: InProcessSubgraph = request.app.state.subgraph
    timeout_s = seconds_in(request.headers.get(deadline.HEADER))
    answer = await subgraph.execute(
        asked["query"], variables, operation_name, request.headers.get(HEADER), timeout_s=timeout_s
    )
    return JSONResponse(answer)


async def _answer_socket(socket: WebSocket) -> None:
    subgraph: InProcessSubgraph = socket.app.state.subgraph
    await TransportWebSocket(socket, subgraph).serve()


def _refusal(message: str, status: int) -> Response:
    error: dict[str, Any] = {"message": message, "extensions": {"code": "BAD_USER_INPUT"}}
    return JSONResponse({"errors": [error]}, status_code=status)
