"""The embedded shape: the gateway and every subgraph in one process. `python -m infra.local.embedded --port 4000`

In: the environment that `Endpoints.environment()` makes, and the composed supergraph. Out: the graph on one port.
The gateway reaches each subgraph as an object, and still signs who is asking with every request.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
import uvloop

from gateway import serving_process
from gateway.app import build_app
from gateway.http.request_protocol import request_protocol
from gateway.http.socket_protocol import SocketProtocol
from gateway.settings import PageFolder, Settings, SubgraphSettings, TokenSettings
from infra.local.stack import CHECKOUT
from subgraphs.catalogue import open_subgraphs
from subgraphs.serving.process import ProcessSettings, SettingUnusable, read_settings

SUPERGRAPH = CHECKOUT / "schema.graphql"
EXAMPLES = CHECKOUT / "infra" / "demo" / "documents"
VIEWER = CHECKOUT / "pages" / "viewer"
_GRACE_S = 5


def gateway_settings(keys: Path, store_origin: str | None = None) -> Settings:
    """The gateway of a laptop or a demo: its explorer is on and it tells errors in full.

    store_origin: where signed links lead; None: no page shows what lies there.
    """
    return Settings(
        development=True,
        examples=EXAMPLES,
        pages={} if store_origin is None else {"viewer": PageFolder(VIEWER, (store_origin,))},
        tokens=TokenSettings(
            jwks=str(keys / "tenancy-token.jwks.json"), algorithms=("EdDSA",), issuer="d2r-tenancy", audience="d2r"
        ),
        subgraphs=SubgraphSettings(caller_key=keys / "caller-token.pem"),
    )


async def serve(settings: ProcessSettings, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    async with open_subgraphs(settings) as subgraphs:
        store = urlsplit(settings.blobs.public_endpoint or settings.blobs.endpoint)
        own = gateway_settings(settings.keys, f"{store.scheme}://{store.netloc}")
        app = build_app(own, SUPERGRAPH.read_text(encoding="utf-8"), subgraphs)
        serving_process.settle()
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=request_protocol(own.http),
            ws=SocketProtocol,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        await uvicorn.Server(config).serve(sockets=[listening(host, port)])


def listening(host: str, port: int) -> socket.socket:
    """A socket that other processes of the same user may share the port with: the kernel deals out connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    shared = socket.socket(family)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared.bind((host, port))
    return shared


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local.embedded", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4000)
    given = parser.parse_args()
    try:
        settings = read_settings()
    except SettingUnusable as unusable:
        print(unusable, file=sys.stderr)
        return 2
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, given.host, given.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
