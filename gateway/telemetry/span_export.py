"""Spans to a collector, by OTLP over HTTP, some hundreds at a time, beside the requests and never in their way.

In: spans that have ended. Out: POSTs, one after the other. What finds the buffer full is dropped and counted; so is
what the collector refuses, or does not take after some tries.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections import deque
from contextlib import suppress

import aiohttp
import msgspec
from msgspec import Struct

from gateway.settings import TracingSettings
from gateway.telemetry.otlp import body_of
from gateway.telemetry.spans import Attribute, Span, SpanCounts

_log = logging.getLogger("gateway")
_BATCH = 256
_TRIES = 4
_LONGEST_WAIT_S = 10.0
# OTLP/HTTP, "Failures": these and no others may be sent again.
_AGAIN = frozenset({429, 502, 503, 504})


class _Partly(Struct, rename="camel"):
    rejected_spans: int | str = 0


class _Taken(Struct, rename="camel"):
    partial_success: _Partly | None = None


class SpanExport:
    """Within a running event loop."""

    def __init__(self, settings: TracingSettings) -> None:
        assert settings.endpoint is not None
        self._endpoint, self._settings = settings.endpoint, settings
        self._headers = {"Content-Type": "application/json"}
        if settings.authorization is not None:
            self._headers["Authorization"] = settings.authorization.read_text(encoding="utf-8").strip()
        self._resource: dict[str, Attribute] = {"service.name": settings.service, "process.pid": os.getpid()}
        self._waiting: deque[Span] = deque()
        self._wake = asyncio.Event()
        self._ends = False
        self._failing = False
        self.counts = SpanCounts()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, span: Span) -> None:
        waiting = self._waiting
        if len(waiting) >= self._settings.max_waiting:
            self.counts.dropped += 1
            return
        waiting.append(span)
        if len(waiting) == _BATCH:
            self._wake.set()

    async def run(self) -> None:
        """Send for ever."""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_s)
        async with aiohttp.ClientSession(timeout=timeout, headers=self._headers, trust_env=False) as session:
            try:
                while not self._ends:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._settings.every_s)
                    self._wake.clear()
                    await self._send_waiting(session)
            finally:
                self.counts.dropped += len(self._waiting)
                self._waiting.clear()

    def end(self) -> None:
        """What waits is sent once, and `run` returns."""
        self._ends = True
        self._wake.set()

    async def _send_waiting(self, session: aiohttp.ClientSession) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            taken = 0
            try:
                taken = await self._send(session, body_of(batch, self._resource), len(batch))
            finally:
                # Cancelled ones, too.
                self.counts.exported += taken
                self.counts.dropped += len(batch) - taken

    async def _send(self, session: aiohttp.ClientSession, body: bytes, spans: int) -> int:
        """How many were taken."""
        reason = ""
        for number in range(_TRIES):
            again_s = min(_LONGEST_WAIT_S, 2.0**number * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            try:
                async with session.post(self._endpoint, data=body, allow_redirects=False) as response:
                    if 200 <= response.status < 300:
                        self._tell(None)
                        return spans - _rejected(await response.content.read(65_536))
                    reason = f"status {response.status}"
                    if response.status not in _AGAIN:
                        break
                    again_s = max(again_s, _asked_s(response.headers.get("Retry-After", "")))
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                reason = type(error).__name__
            if self._ends or number == _TRIES - 1:
                break
            await asyncio.sleep(again_s)
        self._tell(reason)
        return 0

    def _tell(self, reason: str | None) -> None:
        """Once for each change, not for each batch."""
        if reason is not None and not self._failing:
            _log.warning("spans cannot be sent to the collector (%s); they are dropped and counted", reason)
        elif reason is None and self._failing:
            _log.warning("spans are sent to the collector again")
        self._failing = reason is not None


def _rejected(answer: bytes) -> int:
    try:
        partly = msgspec.json.decode(answer, type=_Taken).partial_success if answer else None
        return max(0, int(partly.rejected_spans)) if partly is not None else 0
    except (msgspec.DecodeError, ValueError):
        return 0


def _asked_s(text: str) -> float:
    return min(_LONGEST_WAIT_S, float(text[:6])) if text.isascii() and text.isdigit() else 0.0
