"""What is told of operations, opened and closed with the gateway: access log, figures and their page, spans.

In: settings and what is counted into. Out: `Observers` while the gateway runs. What nobody wants is neither imported
nor opened. Raises OSError where the log's file cannot be opened, and `MetricsPortTaken`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.figures import Counters, Parts
from gateway.settings import TelemetrySettings, TracingSettings
from gateway.telemetry.access_log import AccessLog
from gateway.telemetry.observers import Observers
from gateway.telemetry.tracer import Tracer

_log = logging.getLogger("gateway")
# For what still waits when the process ends: it must not outlast its grace for the sake of spans.
_LAST_SPANS_S = 3.0


def counted_by(settings: TelemetrySettings) -> Counters:
    return Counters() if settings.metrics.port is not None else Counters(requests=None, fetches=None)


@asynccontextmanager
async def observing(settings: TelemetrySettings, counted: Counters) -> AsyncIterator[Observers]:
    log = AccessLog(settings.access_log, settings.access_log_waiting)
    try:
        async with _tracer(settings.tracing) as tracer:
            yield Observers(log, counted.requests, tracer)
    finally:
        log.close()


@asynccontextmanager
async def metrics_page(settings: TelemetrySettings, parts: Parts) -> AsyncIterator[None]:
    host, port = settings.metrics.host, settings.metrics.port
    if port is None:
        yield
        return
    # Its server is a weight at every start that only those who want it shall carry.
    from gateway.telemetry.metrics_page import metrics_served

    async with metrics_served(host, port, parts.page) as (host, port):
        _log.warning("metrics are at http://%s:%d/metrics", f"[{host}]" if ":" in host else host, port)
        yield


@asynccontextmanager
async def _tracer(settings: TracingSettings) -> AsyncIterator[Tracer | None]:
    if settings.endpoint is None:
        yield None
        return
    from gateway.telemetry.span_export import SpanExport

    export = SpanExport(settings)
    sending = asyncio.create_task(export.run())
    try:
        yield Tracer(settings.ratio, settings.follows_clients, export.add, counts=export.counts)
    finally:
        export.end()
        await asyncio.wait([sending], timeout=_LAST_SPANS_S)
        sending.cancel()
        await asyncio.wait([sending])
