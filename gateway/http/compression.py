"""Answers of some length go out with gzip, to those who accept it (RFC 9110, 12.5.3).

In: requests with their `Accept-Encoding`. Out: the same answers, compressed or not. Starlette's own middleware looks
for the word only, and so would send gzip to who says `gzip;q=0`; it is left alone where nothing is compressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Higher levels gain little on JSON.
_LEVEL = 4
_GZIP = "gzip"
_NAME = b"accept-encoding"
_VARY = b"vary"


class Compression(GZipMiddleware):
    """`smallest`: bytes from which on an answer is compressed."""

    def __init__(self, app: ASGIApp, smallest: int) -> None:
        super().__init__(app, smallest, _LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if not _accepts_gzip(_accepted(scope)):

            async def send_varying(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = _varying(message.get("headers", ()))
                await send(message)

            await self.app(scope, receive, send_varying)
            return
        others = [each for each in scope["headers"] if each[0] != _NAME]
        await super().__call__({**scope, "headers": [*others, (_NAME, b"gzip")]}, receive, send)


def coded(response: Response, scope: Scope, smallest: int) -> ASGIApp:
    """What sends this response as its client takes it."""
    if _accepts_gzip(_accepted(scope)):
        return Compression(response, smallest)
    response.raw_headers = _varying(response.raw_headers)
    return response


def _accepted(scope: Scope) -> bytes:
    return b",".join([value for name, value in scope["headers"] if name == _NAME])


def _varying(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    others = [each for each in headers if each[0] != _VARY]
    named = [value for name, value in headers if name == _VARY]
    return [*others, (_VARY, b", ".join([*named, b"Accept-Encoding"]))]


def accepts_gzip(accepted: str) -> bool:
    """Whether the client takes gzip, and does not like `identity` better. Who says nothing gets no coding."""
    qualities: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        qualities[name] = _quality(parameters)
    gzip = max((qualities[name] for name in (_GZIP, "x-gzip") if name in qualities), default=qualities.get("*", 0.0))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


# Few clients say anything of their own; what somebody makes up is soon forgotten.
@lru_cache(64)
def _accepts_gzip(accepted: bytes) -> bool:
    return accepts_gzip(accepted.decode("latin-1"))


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
