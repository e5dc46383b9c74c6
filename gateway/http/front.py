"""The application's front: requests for the graph go straight to it, all others through Starlette's router.

In: ASGI. Out: the same as by the router, which costs more than all else that is done for a small answer before its
operation runs. What layers do for the router's answers is done here in one step, but for those that the graph needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.compression import Compression, coded
from gateway.http.leaving import ClientLeft
from gateway.http.request_headers import IndexedRequest

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")


class Front(Starlette):
    """`answer`: one request for the graph, which is at `path`; it raises nothing that it can say.

    refusal: what is said before a request is looked at, if anything. layers: around all answers. compresses_from: bytes
    from which on they are compressed, for who takes that.
    """

    def __init__(
        self,
        path: str,
        answer: Callable[[Request], Awaitable[Response]],
        refusal: Callable[[Scope], Response | None],
        layers: Sequence[Middleware],
        compresses_from: int | None,
        **given: Any,
    ) -> None:
        inner = [] if compresses_from is None else [Middleware(Compression, smallest=compresses_from)]
        super().__init__(middleware=[*layers, *inner], **given)
        self._path = path
        self._graph = _within(layers, answer, refusal, compresses_from)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == self._path:
            scope["app"] = self
            await self._graph(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _within(
    layers: Sequence[Middleware],
    answer: Callable[[Request], Awaitable[Response]],
    refusal: Callable[[Scope], Response | None],
    compresses_from: int | None,
) -> ASGIApp:
    async def graph(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in METHODS:
            try:
                response = refusal(scope) or await answer(IndexedRequest(scope, receive))
            except ClientLeft:
                # There is nobody to answer, and nothing that went wrong: uvicorn would log a traceback.
                return
        else:
            response = PlainTextResponse("Method Not Allowed", 405, {"Allow": ", ".join(METHODS)})
        sending: ASGIApp = response if compresses_from is None else coded(response, scope, compresses_from)
        await sending(scope, receive, send)

    found: ASGIApp = graph
    for layer, args, kwargs in reversed(layers):
        found = layer(found, *args, **kwargs)
    return found
