"""Answers of some length go out with gzip, to those who accept it (RFC 9110, 12.5.3).

In: requests with their `Accept-Encoding`. Out: the same answers, compressed or not. Starlette's own middleware looks
for the word only, and so would send gzip to who says `gzip;q=0`.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

_GZIP = "gzip"


class Compression(GZipMiddleware):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": list(scope["headers"])}
            headers = MutableHeaders(scope=scope)
            accepted = ",".join(headers.getlist("accept-encoding"))
            headers["accept-encoding"] = _GZIP if accepts_gzip(accepted) else "identity"
        await super().__call__(scope, receive, send)


def accepts_gzip(accepted: str) -> bool:
    """Whether the client takes gzip, and does not like `identity` better. Who says nothing gets no coding."""
    qualities: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        qualities[name] = _quality(parameters)
    gzip = max((qualities[name] for name in (_GZIP, "x-gzip") if name in qualities), default=qualities.get("*", 0.0))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
