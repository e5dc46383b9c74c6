"""Walk a plan: fetch, merge, read the client's answer out of what was fetched.

In: a `QueryPlan`, the coerced variables, who asks. Out: a `Response`; for a subscription, one for each event; for a
plan that defers, `Piece`s: the first when what comes at once is there, before anything deferred is asked for.
Refuses nothing: whatever a subgraph does becomes nulls and errors in the response.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import assert_never, cast

import msgspec
from graphql import GraphQLSchema

from gateway.client.operation_scope import OperationScope
from gateway.client.protocol import SubgraphAnswer, SubgraphClient
from gateway.errors import ErrorCode, SubgraphFailed
from gateway.execution.caller import Caller
from gateway.execution.deferred_fetches import DeferredFetches
from gateway.execution.delivery import delivery_of
from gateway.execution.denied import denied_errors
from gateway.execution.failures import Failures
from gateway.execution.fetching import State, request_for, run_fetch, take_answer
from gateway.execution.introspection import Introspection
from gateway.execution.later_items import LaterItems, Window
from gateway.execution.pieces import Piece, Spelling
from gateway.execution.projection import Projection
from gateway.execution.reporting import Reporting
from gateway.execution.response import Response, ResponseError
from gateway.execution.sent import Sent
from gateway.plan.deferral import DeferredPart
from gateway.plan.nodes import Condition, Fetch, Node, Parallel, Sequence, SubgraphName, Subscribe
from gateway.plan.query_plan import QueryPlan


class Executor:
    def __init__(
        self,
        clients: Mapping[SubgraphName, SubgraphClient],
        api_schema: GraphQLSchema,
        reporting: Reporting,
    ) -> None:
        self._clients = clients
        self._introspection = Introspection(api_schema)
        self._reporting = reporting

    async def execute(
        self, plan: QueryPlan, variables: Mapping[str, object], caller: Caller, sent: Sent | None = None
    ) -> Response:
        """`sent`: what was asked already, and is not to be asked again."""
        return self._response(plan, await self._executed(plan, variables, caller, sent=sent))

    async def pieces(
        self, plan: QueryPlan, variables: Mapping[str, object], caller: Caller, spelling: Spelling
    ) -> AsyncGenerator[Piece, None]:
        """The answer of a plan that defers. Closing it ends the fetches that are under way."""
        assert plan.deferral is not None
        deferral, items = plan.deferral, LaterItems(plan.shape, plan.deferral.streams, variables)
        window = Window(items, later=False) if items.counts else None
        executed = asyncio.ensure_future(self._executed(plan, variables, caller, window))
        # A mutation that has begun is ended, whoever listens.
        state = await (asyncio.shield(executed) if plan.kind == "mutation" else executed)
        delivery = delivery_of(spelling, plan, state, items, self._reporting)
        yield self._with_schema(plan, state, delivery.first())
        if not delivery.is_open:
            return

        async def run(part: DeferredPart) -> None:
            window = Window(items, later=True) if part.node is plan.node else None
            # A scope for each: none stays open while a slow client reads what came before.
            async with aclosing(OperationScope()) as own:
                await self._run(msgspec.structs.replace(state, scope=own, window=window), part.node)

        async with aclosing(DeferredFetches(deferral, run)) as fetches:
            while delivery.is_open:
                piece = delivery.after(fetches.complete)
                if piece is not None:
                    yield piece
                elif not await fetches.next():
                    raise RuntimeError("A deferred fragment waits for nothing that is fetched.")

    def answers(
        self, plan: QueryPlan, variables: Mapping[str, object], caller: Caller
    ) -> AsyncGenerator[SubgraphAnswer, None]:
        """The subgraph's own events. Raises `SubgraphFailed` when the stream cannot be opened or breaks."""
        primary = _subscribed(plan).primary
        state = State(variables, caller, {}, Failures())
        stream = self._clients[primary.subgraph].stream(request_for(state, primary, ()))
        return cast(AsyncGenerator[SubgraphAnswer, None], stream)

    async def event(
        self, plan: QueryPlan, variables: Mapping[str, object], caller: Caller, answer: SubgraphAnswer
    ) -> Response:
        """One event as the client gets it, with the fields of other subgraphs."""
        node = _subscribed(plan)
        async with aclosing(OperationScope()) as scope:
            state = State(variables, caller, {}, Failures(), scope)
            take_answer(state, node.primary, (), answer)
            if node.rest is not None:
                await self._run(state, node.rest)
        return self._response(plan, state)

    def failed(self, plan: QueryPlan, caller: Caller, failure: SubgraphFailed) -> ResponseError:
        """What the client is told of a stream that cannot be opened or broke."""
        subgraph = _subscribed(plan).primary.subgraph
        return self._reporting.error(failure.code, str(failure), None, subgraph, caller.trace_id)

    async def _executed(
        self,
        plan: QueryPlan,
        variables: Mapping[str, object],
        caller: Caller,
        window: Window | None = None,
        sent: Sent | None = None,
    ) -> State:
        """The plan's own node, without what is deferred."""
        async with aclosing(OperationScope()) as scope:
            state = State(variables, caller, {}, Failures(), scope, window, sent)
            if plan.node is not None:
                await self._run(state, plan.node)
        return state

    async def _run(self, state: State, node: Node) -> None:
        match node:
            case Fetch():
                await run_fetch(state, node, self._clients[node.subgraph])
            case Sequence(nodes):
                for each in nodes:
                    await self._run(state, each)
            case Parallel(nodes):
                async with asyncio.TaskGroup() as group:
                    for each in nodes:
                        group.create_task(self._run(state, each))
            case Condition(variable, equals, inner):
                if bool(state.variables.get(variable)) is equals:
                    await self._run(state, inner)
            case Subscribe():
                raise TypeError("A Subscribe node stands only at the root of a plan.")
            case _:
                assert_never(node)

    def _response(self, plan: QueryPlan, state: State) -> Response:
        failures, report, trace_id = state.failures, self._reporting.error, state.caller.trace_id
        errors = denied_errors(plan.denied, state.variables) if plan.denied else []
        errors += [
            report(told.cause.code, told.cause.message, told.path, told.cause.subgraph, trace_id, told.cause.extensions)
            for told in failures.told_by(plan.shape)
        ]
        explained = {error.path for error in errors if error.path} | failures.places_covered(plan.shape)
        projection = Projection(state.variables, explained)
        data = projection.data(plan.shape, state.tree)
        errors += [
            report(ErrorCode.INTERNAL, misfit.message, misfit.path, None, trace_id) for misfit in projection.misfits
        ]
        if plan.introspection is not None:
            data = self._with_introspection(plan, plan.introspection, state, data, errors)
        return Response(data, errors[: self._reporting.max_errors])

    def _with_schema(self, plan: QueryPlan, state: State, piece: Piece) -> Piece:
        if plan.introspection is None or piece.first is None:
            return piece
        errors = list(piece.first.errors)
        data = self._with_introspection(plan, plan.introspection, state, piece.first.data, errors)
        return msgspec.structs.replace(piece, first=Response(data, errors))

    def _with_introspection(
        self,
        plan: QueryPlan,
        document: str,
        state: State,
        data: dict[str, object] | None,
        errors: list[ResponseError],
    ) -> dict[str, object] | None:
        answer = self._introspection.answer(document, state.variables)
        errors += [
            ResponseError(error.message, ErrorCode.GRAPHQL_VALIDATION_FAILED, tuple(error.path or ()))
            for error in answer.errors
        ]
        if data is None or answer.data is None:
            return None
        found = {**data, **answer.data}
        return {key: found[key] for key in plan.root_keys if key in found}


def _subscribed(plan: QueryPlan) -> Subscribe:
    if not isinstance(plan.node, Subscribe):
        raise TypeError("Only a plan whose root is a Subscribe node has events.")
    return plan.node
