"""Who asks, as execution needs to know it: a token to hand to subgraphs, and a name for the request in logs."""

from __future__ import annotations

from typing import Protocol


class Caller(Protocol):
    """`token()` is asked for at every fetch, since a subscription outlives any one token."""

    @property
    def trace_id(self) -> str: ...

    def token(self) -> str | None: ...
