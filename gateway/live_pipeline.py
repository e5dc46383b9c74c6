"""The pipeline of the newest supergraph, for faces that outlive any one of them.

In: pipelines, one after the other. Out: the same that a pipeline gives. A request is answered by the pipeline that
planned it. A live subscription goes on over a change: its operation is planned anew, and while the stream upstream
would be the very same, it is kept and its next event takes the new plan. Where it would not, the stream ends with
SCHEMA_CHANGED, at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from gateway.client.protocol import SubgraphAnswer
from gateway.errors import ErrorCode, RequestRefused, SubgraphFailed
from gateway.execution.caller import Caller
from gateway.execution.response import Response, ResponseError, SubscriptionFailed
from gateway.pipeline import OperationRequest, Pipeline, Ready
from gateway.plan.nodes import Subscribe

_log = logging.getLogger("gateway")


class LivePipeline:
    def __init__(self, first: Pipeline) -> None:
        self._newest = first
        self._changed = asyncio.Event()

    def swap(self, newest: Pipeline) -> None:
        """From now on requests are planned by this one."""
        self._newest = newest
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @property
    def newest(self) -> Pipeline:
        return self._newest

    def ready(self, request: OperationRequest) -> Ready:
        return self._newest.ready(request)

    async def answer(self, ready: Ready, caller: Caller, shows_plan: bool = False) -> Response:
        return await ready.pipeline.answer(ready, caller, shows_plan)

    async def events(self, ready: Ready, caller: Caller) -> AsyncGenerator[Response, None]:
        """Raises `SubscriptionFailed` when the stream cannot be opened, breaks, or holds no longer."""
        answers = ready.pipeline.answers(ready, caller)
        async with aclosing(_Waiting(answers)) as waiting:
            while True:
                changed = self._changed
                if ready.pipeline is not self._newest:
                    ready = self._moved(ready, caller)
                try:
                    answer = await waiting.next_before(changed)
                except SubgraphFailed as failure:
                    raise SubscriptionFailed(ready.pipeline.failed(ready, caller, failure)) from failure
                if answer is not None:
                    # A change while the event was on its way is seen to first.
                    if ready.pipeline is not self._newest:
                        ready = self._moved(ready, caller)
                    yield await ready.pipeline.event(ready, caller, answer)
                elif not changed.is_set():
                    return

    def _moved(self, ready: Ready, caller: Caller) -> Ready:
        """The same subscription under the newest supergraph."""
        try:
            moved = self._newest.ready(ready.request, ready.labels)
        except RequestRefused as refused:
            _log.info("subscription %s ends with the schema: %s", caller.trace_id, refused)
            raise SubscriptionFailed(_schema_changed(caller)) from refused
        if not _same_stream(ready, moved):
            raise SubscriptionFailed(_schema_changed(caller))
        return moved


class _Waiting:
    """The next answer of a stream, or a change, whichever comes first; an answer that is awaited is never lost."""

    def __init__(self, answers: AsyncGenerator[SubgraphAnswer, None]) -> None:
        self._answers = answers
        self._pending: asyncio.Task[SubgraphAnswer | None] | None = None

    async def next_before(self, changed: asyncio.Event) -> SubgraphAnswer | None:
        """None: the change came first, or the stream is at its end."""
        if self._pending is None:
            self._pending = asyncio.create_task(self._next())
        change = asyncio.create_task(changed.wait())
        try:
            await asyncio.wait({self._pending, change}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
        if not self._pending.done():
            return None
        pending, self._pending = self._pending, None
        return pending.result()

    async def aclose(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._pending
        await self._answers.aclose()

    async def _next(self) -> SubgraphAnswer | None:
        return await anext(self._answers, None)


def _same_stream(old: Ready, new: Ready) -> bool:
    """Whether the newest plan would open the stream that is open."""
    before, after = old.plan.node, new.plan.node
    if not isinstance(before, Subscribe) or not isinstance(after, Subscribe):
        return False
    one, other = before.primary, after.primary
    asked = {name: old.variables.get(name) for name in one.variables}
    asks = {name: new.variables.get(name) for name in other.variables}
    return (one.subgraph, one.document, one.renames, asked) == (other.subgraph, other.document, other.renames, asks)


def _schema_changed(caller: Caller) -> ResponseError:
    return ResponseError(
        "The schema has changed under this subscription; subscribe again.",
        ErrorCode.SCHEMA_CHANGED,
        extensions=(("traceId", caller.trace_id),),
    )
