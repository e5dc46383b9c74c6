"""Everything that can be set, as one frozen value with defaults. Read from flags and environment only in `serve.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct


class Limits(Struct, frozen=True):
    """What one request may cost before it is refused."""

    max_body_bytes: int = 1024 * 1024
    max_tokens: int = 10_000
    max_depth: int = 40
    max_batch: int = 0
    max_errors: int = 1000


class TokenSettings(Struct, frozen=True):
    """How callers' tokens are checked. `jwks` is a file or an http(s) URL; None: nobody can sign in."""

    jwks: str | None = None
    algorithms: tuple[str, ...] = ("EdDSA",)
    issuer: str | None = None
    audience: str | None = None
    leeway_s: int = 5


class SubgraphSettings(Struct, frozen=True):
    """How subgraphs are reached. `urls` replace those of the supergraph; `timeouts_s` replace `timeout_s` by name."""

    urls: Mapping[str, str] = {}
    timeout_s: float = 15.0
    timeouts_s: Mapping[str, float] = {}
    max_answer_bytes: int = 64 * 1024 * 1024
    max_connections: int = 200
    caller_key: Path | None = None


class WebSocketSettings(Struct, frozen=True):
    init_timeout_s: float = 10.0
    max_operations: int = 100
    max_message_bytes: int = 1024 * 1024


class Settings(Struct, frozen=True):
    """The gateway's settings.

    development: errors are told in full, plans are shown to those who ask, introspection is on.
    introspection: whether the schema may be asked for; None: as `development`.
    passes_messages: errors with a code meant for clients keep the subgraph's own sentence outside development too.
    explorer: a page for browsers at `/`; `examples` is a folder of `*.graphql` documents that it offers.
    """

    development: bool = False
    introspection: bool | None = None
    passes_messages: bool = False
    explorer: bool = True
    examples: Path | None = None
    cors_origins: tuple[str, ...] = ()
    plan_cache_size: int = 2000
    tokens: TokenSettings = TokenSettings()
    subgraphs: SubgraphSettings = SubgraphSettings()
    limits: Limits = Limits()
    websocket: WebSocketSettings = WebSocketSettings()

    @property
    def introspects(self) -> bool:
        return self.development if self.introspection is None else self.introspection
