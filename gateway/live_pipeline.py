"""The pipeline of the newest supergraph, for faces that outlive any one of them.

In: pipelines, one after the other. Out: the same that a pipeline gives. A request is answered by the pipeline that
planned it. A live subscription goes on over a change: its operation is planned anew, and while the stream upstream
would be the very same, it is kept and its next event takes the new plan. Where it would not, or where its events would
be delivered by another rule, the stream ends with SCHEMA_CHANGED, at once. Who shares a stream with whom, and how
events wait for their readers, is `gateway.streams`' business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from gateway.caller_access import CallerAccess
from gateway.client.operation_context import Operations
from gateway.client.protocol import SubgraphAnswer
from gateway.errors import ErrorCode, Overloaded, RequestRefused, SubgraphFailed
from gateway.execution.caller import Caller
from gateway.execution.pieces import Piece, Spelling
from gateway.execution.response import Response, ResponseError, SubscriptionFailed
from gateway.http.identity import Identity
from gateway.operation.authorise import NOBODY, Access
from gateway.pipeline import OperationRequest, Pipeline, Ready
from gateway.plan.nodes import Subscribe
from gateway.settings import AccessSettings
from gateway.streams.callers import Callers
from gateway.streams.sharing import Streams, rate_asked
from gateway.telemetry.entry import current_entry, hash_of, preparing, writing
from gateway.telemetry.observers import Observers

_log = logging.getLogger("gateway")


class LivePipeline:
    def __init__(
        self,
        first: Pipeline,
        streams: Streams,
        operations: Operations | None = None,
        caller_access: CallerAccess | None = None,
        observers: Observers | None = None,
    ) -> None:
        self.observers = observers or Observers()
        self._caller_access = caller_access or CallerAccess(AccessSettings())
        self._newest = first
        self.operations = operations or Operations()
        self._changed = asyncio.Event()
        self.streams = streams
        self._begun: set[asyncio.Task[Response]] = set()

    def swap(self, newest: Pipeline) -> None:
        """From now on requests are planned by this one."""
        self._newest = newest
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @property
    def changed(self) -> asyncio.Event:
        """Is set when the next pipeline takes over from the newest."""
        return self._changed

    @property
    def newest(self) -> Pipeline:
        return self._newest

    async def access(self, identity: Identity | None, request: OperationRequest, patient: bool = False) -> Access:
        """What the caller holds of what the operation demands. Raises `Overloaded`, unless `patient`."""
        try:
            demands = await self._newest.demands_of(request, patient)
        except Overloaded:
            raise
        except RequestRefused:
            # Whoever asks for it, it will be refused by `ready`.
            return NOBODY
        named = frozenset(name for each in demands for group in each.policies for name in group)
        return await self._caller_access.of(identity, named) if demands else NOBODY

    async def may_go_on(self, ready: Ready, access: Access) -> bool:
        """Whether who holds this now may see all that they could when the operation began."""
        try:
            demands = await self._newest.demands_of(ready.request, patient=True)
        except RequestRefused:
            return True
        return ready.access.met(demands) <= access.met(demands)

    async def ready(self, request: OperationRequest, in_pieces: bool = False, access: Access = NOBODY) -> Ready:
        entry = current_entry()
        if entry is None:
            ready = await self._newest.ready(request, in_pieces=in_pieces, access=access)
        else:
            entry.asked(request.operation_name)
            try:
                if entry.trace is None or entry.trace.root is None:
                    ready = await self._newest.ready(request, in_pieces=in_pieces, access=access)
                else:
                    with preparing(entry, entry.trace) as span:
                        ready = await self._newest.ready(request, in_pieces=in_pieces, access=access)
                        if span is not None:
                            span.attributes["gateway.plan.cached"] = ready.was_kept
            except RequestRefused:
                entry.hash = hash_of(request.query)
                raise
            entry.kind, entry.hash = ready.plan.kind, ready.text_hash
            entry.cost = None if ready.cost is None else ready.cost.estimated
        rate_asked(ready)
        return ready

    async def answer(self, ready: Ready, caller: Caller, shows_plan: bool = False) -> Response:
        if ready.plan.kind != "mutation":
            return await self._answered(ready, caller, shows_plan)
        # What has begun is ended, whoever listens: half a mutation is worse than none.
        begun = asyncio.create_task(self._answered(ready, caller, shows_plan))
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)
        return await asyncio.shield(begun)

    async def _answered(self, ready: Ready, caller: Caller, shows_plan: bool) -> Response:
        operations = self.operations
        with operations.running(operations.context(ready.plan.kind, caller.principal)):
            response = await ready.pipeline.answer(ready, caller, shows_plan)
        if (entry := current_entry()) is not None:
            entry.trace_id = caller.trace_id
            if response.errors:
                entry.failed_with(error.code.value for error in response.errors)
        return response

    async def finish(self, within_s: float) -> None:
        """Wait for mutations whose clients have left."""
        if self._begun:
            await asyncio.wait(self._begun, timeout=within_s)

    async def pieces(
        self, ready: Ready, caller: Caller, spelling: Spelling, shows_plan: bool = False
    ) -> AsyncGenerator[Piece, None]:
        operations = self.operations
        if (entry := current_entry()) is not None:
            entry.trace_id = caller.trace_id
        context = operations.context(ready.plan.kind, caller.principal)
        async with aclosing(ready.pipeline.pieces(ready, caller, spelling, shows_plan)) as pieces:
            while True:
                with operations.running(context):
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                yield piece

    async def events(self, ready: Ready, caller: Caller) -> AsyncGenerator[Response, None]:
        """Raises `SubscriptionFailed` when the stream cannot be opened, breaks, ends or is read too slowly."""
        if (entry := current_entry()) is not None:
            entry.trace_id = caller.trace_id
        async with aclosing(self.streams.events(ready, caller, self._open)) as events:
            async for event in events:
                yield event

    def _open(self, ready: Ready, caller: Caller) -> _LiveSource:
        return _LiveSource(self, ready, caller)


class _LiveSource:
    """One stream of a subgraph over changes of the supergraph; `ready` is as the newest plans it."""

    def __init__(self, live: LivePipeline, ready: Ready, caller: Caller) -> None:
        self._live = live
        self.ready = ready
        self.callers = Callers(caller)

    async def answers(self) -> AsyncGenerator[SubgraphAnswer, None]:
        answers = self.ready.pipeline.answers(self.ready, self.callers)
        async with aclosing(_Waiting(answers)) as waiting:
            while True:
                changed = self._live.changed
                await self._move()
                try:
                    answer = await waiting.next_before(changed)
                except SubgraphFailed as failure:
                    raise SubscriptionFailed(self.ready.pipeline.failed(self.ready, self.callers, failure)) from failure
                if answer is not None:
                    # A change while the event was on its way is seen to first.
                    await self._move()
                    yield answer
                elif not changed.is_set():
                    return

    async def event(self, answer: SubgraphAnswer) -> Response:
        subscription = current_entry()
        entry = self._live.observers.begin_event(subscription)
        if entry is None:
            return await self._event(answer)
        try:
            with writing(entry):
                response = await self._event(answer)
                entry.failed_with(error.code.value for error in response.errors)
                return response
        finally:
            self._live.observers.end_event(entry, subscription)

    async def _event(self, answer: SubgraphAnswer) -> Response:
        operations = self._live.operations
        with operations.running(operations.context("subscription", self.callers.principal)):
            return await self.ready.pipeline.event(self.ready, self.callers, answer)

    async def _move(self) -> None:
        """The same subscription under the newest supergraph."""
        newest = self._live.newest
        if self.ready.pipeline is newest:
            return
        try:
            # All that live are planned anew at once: none ends because they are many.
            moved = await newest.ready(self.ready.request, self.ready.labels, access=self.ready.access, patient=True)
        except RequestRefused as refused:
            _log.info("subscription %s ends with the schema: %s", self.callers.trace_id, refused)
            raise SubscriptionFailed(_schema_changed(self.callers)) from refused
        if not _same_stream(self.ready, moved):
            raise SubscriptionFailed(_schema_changed(self.callers))
        self.ready = moved


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
    # Where more or less is demanded now, not all who share the stream may hold the same of it.
    if old.delivered != new.delivered or old.demands != new.demands:
        return False
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
