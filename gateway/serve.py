"""`serve`: flags and environment -> settings -> a server that runs until it is told to stop.

Refuses, in one sentence and with exit status 2, a supergraph that cannot be read or served and settings that do not
fit. SIGTERM and Ctrl-C end it cleanly: running requests finish, sockets are closed, connections are given back.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

import uvicorn

from gateway import serving_process
from gateway.app import build_app
from gateway.errors import GatewayError
from gateway.http.request_protocol import request_protocol
from gateway.http.socket_protocol import SocketProtocol
from gateway.settings import Settings
from gateway.settings_file import settings_of


def add_arguments(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Each flag's default comes from the environment variable that its help names; the rest is in the settings file."""

    def option(flag: str, name: str, text: str, kind: Callable[[str], object] = str) -> None:
        default = kind(environ[name]) if name in environ else None
        parser.add_argument(flag, type=kind, default=default, help=f"{text} [{name}]")

    parser.add_argument("--supergraph", type=Path, required=True, help="the composed supergraph, a file")
    option("--config", "GATEWAY_CONFIG", "a TOML file with settings (docs/gateway.md); flags win over it", Path)
    option("--host", "GATEWAY_HOST", "address to listen on: 127.0.0.1")
    option("--port", "GATEWAY_PORT", "port to listen on: 4000", int)
    parser.add_argument(
        "--subgraph", action="append", default=[], metavar="NAME=URL", help="reach a subgraph here instead"
    )
    option("--subgraph-timeout", "GATEWAY_SUBGRAPH_TIMEOUT", "seconds a subgraph may take: 15", float)
    parser.add_argument(
        "--timeout", action="append", default=[], metavar="NAME=SECONDS", help="seconds one subgraph may take"
    )
    option("--jwks", "GATEWAY_JWKS", "keys to check callers' tokens with, a file or URL")
    option("--algorithms", "GATEWAY_ALGORITHMS", "allowed token algorithms, with commas between: EdDSA", _parts)
    option("--issuer", "GATEWAY_ISSUER", "issuer that tokens must name")
    option("--audience", "GATEWAY_AUDIENCE", "audience that tokens must name")
    option("--caller-key", "GATEWAY_CALLER_KEY", "Ed25519 private key (PEM) that signs who asks, for subgraphs")
    option("--examples", "GATEWAY_EXAMPLES", "folder of *.graphql documents that the explorer offers")
    option("--cors-origins", "GATEWAY_CORS_ORIGINS", "origins whose pages may call, with commas between", _parts)
    option("--max-body-bytes", "GATEWAY_MAX_BODY_BYTES", "bytes a request may have: 1048576", int)
    option("--max-tokens", "GATEWAY_MAX_TOKENS", "tokens a document may have: 5000", int)
    option("--max-depth", "GATEWAY_MAX_DEPTH", "levels of fields a document may have: 40", int)
    option("--max-batch", "GATEWAY_MAX_BATCH", "operations a request may hold: 0, no batches", int)
    option("--metrics-port", "GATEWAY_METRICS_PORT", "port for /metrics, on an address of its own: none", int)
    development = environ.get("GATEWAY_DEVELOPMENT", "") not in ("", "0") or None
    parser.add_argument("--development", action="store_true", default=development)
    parser.add_argument("--introspection", action=argparse.BooleanOptionalAction, default=None)
    parser.add_argument("--explorer", action=argparse.BooleanOptionalAction, default=None)
    parser.add_argument(
        "--pass-messages", action="store_true", default=None, help="let subgraphs' refusals keep their own words"
    )


def settings_from(arguments: argparse.Namespace) -> Settings:
    """The file's settings and the flags over them. Raises `SettingsUnreadable` and ValueError for what does not fit."""
    timeouts = {name: float(seconds) for name, seconds in _pairs(arguments.timeout).items()}
    flags: dict[str, object] = {
        "development": arguments.development,
        "introspection": arguments.introspection,
        "passes_messages": arguments.pass_messages,
        "explorer": arguments.explorer,
        "examples": arguments.examples,
        "tokens": {
            "jwks": arguments.jwks,
            "algorithms": arguments.algorithms,
            "issuer": arguments.issuer,
            "audience": arguments.audience,
        },
        "subgraphs": {
            "urls": _pairs(arguments.subgraph) or None,
            "timeout_s": arguments.subgraph_timeout,
            "timeouts_s": timeouts or None,
            "caller_key": arguments.caller_key,
        },
        "limits": {
            "max_body_bytes": arguments.max_body_bytes,
            "max_tokens": arguments.max_tokens,
            "max_depth": arguments.max_depth,
            "max_batch": arguments.max_batch,
        },
        "http": {"cors": {"origins": arguments.cors_origins}},
        "telemetry": {"metrics": {"port": arguments.metrics_port}},
    }
    return settings_of(arguments.config, _said(flags))


def _said(flags: Mapping[str, object]) -> dict[str, object]:
    """Without what nobody said."""
    tables = {name: _said(value) if isinstance(value, Mapping) else value for name, value in flags.items()}
    return {name: value for name, value in tables.items() if value is not None}


def run(arguments: argparse.Namespace) -> int:
    try:
        settings = settings_from(arguments)
        text = arguments.supergraph.read_text(encoding="utf-8")
        app = build_app(settings, text, watched=arguments.supergraph)
    except (GatewayError, OSError, ValueError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    serving_process.settle()
    config = uvicorn.Config(
        app,
        host=arguments.host or "127.0.0.1",
        port=arguments.port if arguments.port is not None else 4000,
        loop="uvloop",
        http=request_protocol(settings.http),
        ws=SocketProtocol,
        log_level="info",
        access_log=False,
        timeout_graceful_shutdown=math.ceil(settings.http.readiness.grace_s),
        server_header=False,
        # Whose address counts is `http.trusted_proxies`' business: uvicorn would believe any local process.
        proxy_headers=False,
        ws_max_size=settings.websocket.max_message_bytes,
    )
    DrainingServer(config, settings.http.readiness.drain_s).run()
    return 0


class DrainingServer(uvicorn.Server):
    """At the first SIGTERM or Ctrl-C says on `/ready` that it goes, takes requests a little longer, then ends."""

    def __init__(self, config: uvicorn.Config, drain_s: float) -> None:
        super().__init__(config)
        self._drain_s = drain_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        gateway = getattr(getattr(self.config.app, "state", None), "gateway", None)
        if self._drain_s <= 0 or gateway is None or gateway.http.readiness.draining:
            super().handle_exit(sig, frame)
            return
        gateway.http.readiness.draining = True
        leave = super().handle_exit
        # Signals arrive between two steps of the loop's own thread.
        asyncio.get_running_loop().call_later(self._drain_s, leave, sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Streams have no end of their own: they would use up the time that requests have.
        gateway = getattr(getattr(self.config.app, "state", None), "gateway", None)
        if gateway is not None:
            gateway.end_streams()
        await super().shutdown(sockets)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    for name, value in pairs.items():
        if not name or not value:
            raise ValueError(f"expected NAME=VALUE, got {name}={value}")
    return pairs
