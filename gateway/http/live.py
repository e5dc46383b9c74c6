"""Answers that go on: the results of one operation one after the other, with signs of life between them.

In: an operation that may run, and who asks. Out: its results, for a subscription an event each, for an answer in pieces
those; nothing is queued here. A refusal, a broken stream and a token that runs out are results too, and the last ones.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress

from starlette.requests import ClientDisconnect
from starlette.responses import Response as HttpResponse
from starlette.types import Receive, Scope, Send

from gateway.errors import ErrorCode
from gateway.execution.pieces import Piece, Spelling
from gateway.execution.response import Response, ResponseError, SubscriptionFailed
from gateway.http.ending import ended
from gateway.http.identity import Identity, SignedCaller
from gateway.live_pipeline import LivePipeline
from gateway.pipeline import Ready
from gateway.streams.errors import GatewayLeaves
from gateway.telemetry.entry import Entry, writing
from gateway.telemetry.observers import Observers

_log = logging.getLogger("gateway")
_EXPIRED = Response(errors=(ResponseError("The access token has run out.", ErrorCode.UNAUTHENTICATED),), executed=False)


Result = Response | Piece
# An operation's id goes out with every event, so a long one would cost as much as the client likes.
LONGEST_ID = 256


async def results_of(
    pipeline: LivePipeline,
    ready: Ready,
    caller: SignedCaller,
    spelling: Spelling = Spelling.PENDING,
    shows_plan: bool = False,
) -> AsyncGenerator[Result, None]:
    """Every result of the operation. `spelling`: of the pieces, if it comes in pieces.

    Raises `GatewayLeaves` when that is why a subscription ends: no result says so, and the client subscribes again.
    """
    events = _events(pipeline, ready, caller, spelling, shows_plan)
    try:
        async for event in events:
            yield event
    except GatewayLeaves:
        raise
    except SubscriptionFailed as failed:
        yield Response(errors=(failed.error,), executed=False)
    except Exception:
        # The last resort of one operation: the client gets a trace id, the log the rest.
        _log.exception("request %s failed", caller.trace_id)
        error = ResponseError(
            "Something went wrong inside.", ErrorCode.INTERNAL, extensions=(("traceId", caller.trace_id),)
        )
        yield Response(errors=(error,), executed=False)
    finally:
        await events.aclose()


async def _events(
    pipeline: LivePipeline, ready: Ready, caller: SignedCaller, spelling: Spelling, shows_plan: bool
) -> AsyncGenerator[Result, None]:
    if ready.plan.deferral is not None:
        async with aclosing(pipeline.pieces(ready, caller, spelling, shows_plan)) as pieces:
            async for piece in pieces:
                yield piece
    elif ready.plan.kind == "subscription":
        async with aclosing(pipeline.events(ready, caller)) as events:
            async for event in events:
                yield event
    else:
        yield await pipeline.answer(ready, caller, shows_plan)


async def paced(
    results: AsyncGenerator[Result, None], identity: Identity | None, beat_s: float
) -> AsyncGenerator[Result | None, None]:
    """The results; None whenever nothing came for `beat_s` seconds; the end when the caller's token runs out."""
    pending: asyncio.Task[Result | None] | None = None
    try:
        while True:
            left = beat_s if identity is None else min(beat_s, identity.expires_at - time.time())
            # Before every result: where there always is a next one, nothing is ever waited for.
            if left <= 0:
                yield _EXPIRED
                return
            pending = pending or asyncio.create_task(_next(results))
            done, _ = await asyncio.wait({pending}, timeout=left)
            if done:
                result, pending = pending.result(), None
                if result is None:
                    return
                yield result
            elif left >= beat_s:
                yield None
    finally:
        if pending is not None:
            await ended(pending)
        await results.aclose()


async def _next(results: AsyncGenerator[Result, None]) -> Result | None:
    return await anext(results, None)


class LiveResponse(HttpResponse):
    """A body that comes bit by bit. It ends with the last bit, or at once when the client leaves.

    free: called when it has ended.
    """

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], media_type: str, free: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(None, 200, {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}, media_type)
        # What is compressed is held back until there is enough of it.
        self.headers["Content-Encoding"] = "identity"
        del self.headers["content-length"]
        self._pieces = pieces
        self._free = free
        self._told: tuple[Entry, Observers] | None = None

    def told_to(self, observers: Observers, entry: Entry) -> None:
        """It is told of when it has ended."""
        entry.face, entry.status, self._told = "sse", self.status_code, (entry, observers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with writing(self._told and self._told[0]):
            sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Before its operation has ended: that may take a while.
            self._free()
            await asyncio.gather(ended(sending), ended(leaving))
            await self._pieces.aclose()
            if self._told is not None:
                entry, observers = self._told
                observers.end(entry)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with suppress(OSError, ClientDisconnect):
            async for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
