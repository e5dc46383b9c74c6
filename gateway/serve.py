"""`serve`: flags and environment -> settings -> a server that runs until it is told to stop.

Refuses, in one sentence and with exit status 2, a supergraph that cannot be read or served and settings that do not
fit. SIGTERM and Ctrl-C end it cleanly: running requests finish, sockets are closed, connections are given back.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from gateway.app import build_app
from gateway.errors import GatewayError
from gateway.settings import Limits, Settings, SubgraphSettings, TokenSettings

_GRACE_S = 10
# Most objects of a request die young and hold no cycles; a rarer collection keeps the slowest requests short.
_GC_THRESHOLD = 50_000


def add_arguments(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Each flag's default comes from the environment variable that its help names."""

    def option(flag: str, name: str, text: str, default: str | None = None) -> None:
        parser.add_argument(flag, default=environ.get(name, default), help=f"{text} [{name}]")

    parser.add_argument("--supergraph", type=Path, required=True, help="the composed supergraph, a file")
    option("--host", "GATEWAY_HOST", "address to listen on", "127.0.0.1")
    option("--port", "GATEWAY_PORT", "port to listen on", "4000")
    parser.add_argument(
        "--subgraph", action="append", default=[], metavar="NAME=URL", help="reach a subgraph here instead"
    )
    option("--subgraph-timeout", "GATEWAY_SUBGRAPH_TIMEOUT", "seconds a subgraph may take", "15")
    parser.add_argument(
        "--timeout", action="append", default=[], metavar="NAME=SECONDS", help="seconds one subgraph may take"
    )
    option("--jwks", "GATEWAY_JWKS", "keys to check callers' tokens with, a file or URL")
    option("--algorithms", "GATEWAY_ALGORITHMS", "allowed token algorithms, with commas between", "EdDSA")
    option("--issuer", "GATEWAY_ISSUER", "issuer that tokens must name")
    option("--audience", "GATEWAY_AUDIENCE", "audience that tokens must name")
    option("--caller-key", "GATEWAY_CALLER_KEY", "Ed25519 private key (PEM) that signs who asks, for subgraphs")
    option("--examples", "GATEWAY_EXAMPLES", "folder of *.graphql documents that the explorer offers")
    option("--cors-origins", "GATEWAY_CORS_ORIGINS", "origins whose pages may call, with commas between", "")
    option("--max-body-bytes", "GATEWAY_MAX_BODY_BYTES", "bytes a request may have", str(Limits().max_body_bytes))
    option("--max-tokens", "GATEWAY_MAX_TOKENS", "tokens a document may have", str(Limits().max_tokens))
    option("--max-depth", "GATEWAY_MAX_DEPTH", "levels of fields a document may have", str(Limits().max_depth))
    option("--max-batch", "GATEWAY_MAX_BATCH", "operations a request may hold; 0: no batches", "0")
    parser.add_argument(
        "--development", action="store_true", default=environ.get("GATEWAY_DEVELOPMENT", "") not in ("", "0")
    )
    parser.add_argument("--introspection", action=argparse.BooleanOptionalAction, default=None)
    parser.add_argument("--explorer", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--pass-messages", action="store_true", help="let subgraphs' refusals keep their own words")


def settings_from(arguments: argparse.Namespace) -> Settings:
    """Raises ValueError for what does not fit."""
    return Settings(
        development=arguments.development,
        introspection=arguments.introspection,
        passes_messages=arguments.pass_messages,
        explorer=arguments.explorer,
        examples=Path(arguments.examples) if arguments.examples else None,
        cors_origins=_parts(arguments.cors_origins),
        tokens=TokenSettings(
            jwks=arguments.jwks,
            algorithms=_parts(arguments.algorithms),
            issuer=arguments.issuer,
            audience=arguments.audience,
        ),
        subgraphs=SubgraphSettings(
            urls=_pairs(arguments.subgraph),
            timeout_s=float(arguments.subgraph_timeout),
            timeouts_s={name: float(seconds) for name, seconds in _pairs(arguments.timeout).items()},
            caller_key=Path(arguments.caller_key) if arguments.caller_key else None,
        ),
        limits=Limits(
            max_body_bytes=int(arguments.max_body_bytes),
            max_tokens=int(arguments.max_tokens),
            max_depth=int(arguments.max_depth),
            max_batch=int(arguments.max_batch),
        ),
    )


def run(arguments: argparse.Namespace) -> int:
    try:
        app = build_app(settings_from(arguments), arguments.supergraph.read_text(encoding="utf-8"))
        port = int(arguments.port)
    except (GatewayError, OSError, ValueError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 20)
    uvicorn.run(
        app,
        host=arguments.host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        log_level="info",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
        ws_max_size=1024 * 1024,
    )
    return 0


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    for name, value in pairs.items():
        if not name or not value:
            raise ValueError(f"expected NAME=VALUE, got {name}={value}")
    return pairs
