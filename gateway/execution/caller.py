"""Who asks, as execution needs to know it: a token to hand to subgraphs, and a name for the request in logs."""

from __future__ import annotations

from typing import Protocol

from gateway.client.protocol import HeaderExchange


class Caller(Protocol):
    """`token()` is asked for at every fetch, since a subscription outlives any one token."""

    @property
    def trace_id(self) -> str: ...

    @property
    def headers(self) -> HeaderExchange | None: ...

    def token(self) -> str | None: ...
