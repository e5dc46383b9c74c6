"""Responses whose headers are known when they are made, put together in one step.

In: a body, a media type and pairs of headers. Out: a Starlette response. Starlette's own way, a header at a time, costs
more than all that is said in them.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.http.whole_exchange import whole_exchange

Pairs = Iterable[tuple[str, str]]


class WholeResponse(Response):
    """A GraphQL answer in one piece: it depends on `Accept`."""

    def __init__(self, body: bytes, status: int, media_type: str, headers: Pairs = ()) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [
            (b"content-type", f"{media_type}; charset=utf-8".encode("latin-1")),
            (b"content-length", b"%d" % len(body)),
            (b"vary", b"Accept"),
            *_encoded(headers),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = whole_exchange(scope)
        if (
            exchange is None
            or not exchange.takes(send)
            or not exchange.answer(self.status_code, self.raw_headers, self.body)
        ):
            await super().__call__(scope, receive, send)


def add_missing(response: Response, headers: Pairs) -> None:
    """Those whose names the response does not have yet."""
    if headers:
        present = {name for name, _ in response.raw_headers}
        response.raw_headers += [each for each in _encoded(headers) if each[0] not in present]


def _encoded(headers: Pairs) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
