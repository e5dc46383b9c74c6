"""`/metrics` on a port of its own, so that nobody who may ask the graph may read it.

In: who writes the page. Out: an HTTP server in this event loop. Raises `MetricsPortTaken` where it cannot listen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from gateway.errors import GatewayError
from gateway.telemetry.exposition import MEDIA_TYPE

_PATH = "/metrics"


class MetricsPortTaken(GatewayError):
    """Each process has a port of its own: figures of one must not be taken for those of all."""

    def __init__(self, host: str, port: int, reason: OSError) -> None:
        super().__init__(
            f"Metrics cannot be served on {host}:{port} ({reason.strerror or reason}); "
            "each process needs a port of its own (telemetry.metrics.port, --metrics-port)."
        )


@asynccontextmanager
async def metrics_served(host: str, port: int, page: Callable[[], bytes]) -> AsyncIterator[tuple[str, int]]:
    """The address it listens on; port 0: any that is free."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=page(), headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"})

    app = web.Application()
    app.router.add_get(_PATH, answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as reason:
            raise MetricsPortTaken(host, port, reason) from reason
        address = runner.addresses[0]
        yield address[0], address[1]
    finally:
        await runner.cleanup()
