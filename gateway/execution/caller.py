"""Who asks, as execution needs to know it: a token to hand to subgraphs, and a name for the request in logs."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from gateway.client.protocol import HeaderExchange


class Principal(Struct, frozen=True):
    """A known caller, as far as answers depend on it: equal ones are answered alike. `claims` is canonical JSON."""

    subject: str
    tenant: str | None
    claims: bytes


class Caller(Protocol):
    """`token()` is asked for at every fetch, since a subscription outlives any one token.

    `principal` is None for who shows no token: nobody in particular.
    """

    @property
    def trace_id(self) -> str: ...

    @property
    def headers(self) -> HeaderExchange | None: ...

    @property
    def principal(self) -> Principal | None: ...

    def token(self) -> str | None: ...
