"""One request, text to response. Reads as a table of contents:

    find what is prepared, or prepare it        once for a text (kept, bounded), in the thread aside: others go on
    -> coerce variables -> execute              for every request, every event of a subscription

In: an `OperationRequest` and who asks. Out: a `Response`; for a subscription, one for each event; for an operation that
defers, to who takes it in pieces, the first answer and what comes after it. Raises `RequestRefused` for what may not
run at all; the edge says it in its own protocol.

An operation that defers has a second plan for each choice of its conditions; without @defer nothing of this happens.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing, suppress
from functools import partial

import msgspec
from graphql import GraphQLError, VariableDefinitionNode, get_variable_values
from msgspec import Struct, field

from gateway.aside import Aside
from gateway.client.protocol import SubgraphAnswer
from gateway.errors import ErrorCode, OperationInvalid, Overloaded, RequestRefused, SubgraphFailed
from gateway.execution.caller import Caller
from gateway.execution.denied import refuse_denied
from gateway.execution.executor import Executor
from gateway.execution.later_items import initial_count
from gateway.execution.pieces import Piece, Spelling
from gateway.execution.response import Response, ResponseError
from gateway.kept_texts import KeptTexts
from gateway.operation.authorise import NOBODY, Access, Demands
from gateway.operation.cost import Costs, Estimate
from gateway.operation.limits import check_variables
from gateway.operation.reading import told
from gateway.override_labels import Labels, OverrideLabels
from gateway.plan.nodes import SubgraphName
from gateway.plan.query_plan import QueryPlan
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.preparation import Outcome, PlanKey, Preparation, Prepared
from gateway.settings import AccessSettings, CostSettings, Limits
from gateway.streams.selection import Delivered
from gateway.telemetry.entry import current_entry, tell_phases
from gateway.telemetry.histogram import Histogram


class OperationRequest(Struct, frozen=True, rename="camel"):
    """What a client sends, by whatever transport."""

    query: str
    variables: dict[str, object] | None = None
    operation_name: str | None = None
    extensions: dict[str, object] | None = None


NOTHING_DEMANDED: Demands = frozenset()


class Ready(Struct, frozen=True):
    """A request that may run: its plan and its coerced variables, and the pipeline that made them.

    delivered: how a subscription's events go out.
    demands: what the operation demands of its caller; access: what the caller holds. cost: what it may cost.
    was_kept: nothing had to be planned for it.
    """

    plan: QueryPlan
    variables: Mapping[str, object]
    request: OperationRequest
    pipeline: Pipeline
    labels: Labels
    delivered: Delivered = Delivered()
    demands: Demands = NOTHING_DEMANDED
    access: Access = NOBODY
    cost: Estimate | None = None
    text_hash: str = ""
    was_kept: bool = True


class PlanFigures(Struct):
    """Over all pipelines of a gateway. planning: seconds from text to plan, where it was not kept."""

    hits: int = 0
    misses: int = 0
    planning: Histogram = field(default_factory=Histogram)


class Pipeline:
    def __init__(
        self,
        planning: Planning,
        executor: Executor,
        limits: Limits,
        max_kept_plans: int,
        development: bool,
        introspects: bool,
        labels: OverrideLabels,
        access: AccessSettings = AccessSettings(),  # noqa: B008 - frozen
        cost: CostSettings = CostSettings(),  # noqa: B008 - frozen
        figures: PlanFigures | None = None,
        aside: Aside | None = None,
    ) -> None:
        self.figures = figures or PlanFigures()
        self._aside = aside or Aside()
        self._supergraph = planning.supergraph
        self._known_labels = planning.labels
        self._labels = labels
        self._executor = executor
        self._limits = limits
        self._access = access
        self._costs = Costs(planning.supergraph, cost)
        self._preparation = Preparation(planning, self._costs, limits, development, introspects)
        self._demands: KeptTexts[tuple[str, str | None], Demands] = KeptTexts(max_kept_plans)
        self._kept: KeptTexts[PlanKey, Prepared] = KeptTexts(max_kept_plans)
        self._development = development

    @property
    def kept_plans(self) -> int:
        return len(self._kept)

    @property
    def subgraphs(self) -> Collection[SubgraphName]:
        return self._supergraph.subgraphs.keys()

    async def ready(
        self,
        request: OperationRequest,
        labels: Labels | None = None,
        in_pieces: bool = False,
        access: Access = NOBODY,
        patient: bool = False,
    ) -> Ready:
        """`labels`: the overrides that are on, for an operation that has drawn them already.

        in_pieces: the client takes what is deferred after the first answer; others get all of it at once.
        access: what the caller holds of what the operation may demand.
        patient: wait for the plan even while planning is behind.
        """
        on = self._labels.on() if labels is None else labels & self._known_labels
        name = request.operation_name or None
        check_variables(request.variables, self._limits)
        demands = await self.demands_of(request, patient)
        met = access.met(demands) if demands else demands
        key: PlanKey = (request.query, name, on, None, met)
        kept = self._found(key)
        prepared = kept or await self._planned(key, patient)
        variables = self._coerced(prepared.variables, request.variables or {})
        if in_pieces and prepared.switches is not None:
            switched_on = frozenset(each for each in prepared.switches if variables.get(each, True))
            key = (request.query, name, on, switched_on, met)
            kept = self._found(key)
            deferring = kept or await self._planned(key, patient)
            prepared = prepared if deferring.plan.deferral is None else deferring
            _refuse_negative_counts(prepared.plan, variables)
        if prepared.plan.denied and self._access.mode == "reject":
            refuse_denied(prepared.plan.denied, variables)
        cost = self._costs.checked(prepared.cost, variables)
        return Ready(
            prepared.plan,
            variables,
            request,
            self,
            on,
            prepared.delivered,
            demands,
            access,
            cost,
            prepared.text_hash,
            kept is not None,
        )

    async def demands_of(self, request: OperationRequest, patient: bool = False) -> Demands:
        """All that the operation demands of its caller. Raises `RequestRefused` for what is no valid operation, and,
        unless `patient`, while planning is behind."""
        if not self._supergraph.access:
            return NOTHING_DEMANDED
        key = (request.query, request.operation_name or None)
        found = self._demands.find(key)
        if found is None:
            self._refuse_if_behind(patient)
            found = await self._aside.done((self, *key), partial(self._preparation.demands, *key))
            self._demands.keep(key, found)
        return found

    async def answer(self, ready: Ready, caller: Caller, shows_plan: bool = False) -> Response:
        response = await self._executor.execute(ready.plan, ready.variables, caller)
        shown: dict[str, object] = {}
        if shows_plan and self._development:
            shown["queryPlan"] = render(ready.plan)
        if ready.cost is not None and (self._costs.shows or (shows_plan and self._development)):
            shown["cost"] = told = self._costs.told(ready.cost, response, ready.variables)
            if (entry := current_entry()) is not None:
                entry.actual_cost = told["actual"]
        return response.with_extensions(shown) if shown else response

    async def pieces(
        self, ready: Ready, caller: Caller, spelling: Spelling, shows_plan: bool = False
    ) -> AsyncGenerator[Piece, None]:
        """The answer of an operation that defers: what comes at once, then the rest as it comes."""
        async with aclosing(self._executor.pieces(ready.plan, ready.variables, caller, spelling)) as pieces:
            async for piece in pieces:
                if piece.first and shows_plan and self._development:
                    piece.first = msgspec.structs.replace(piece.first, extensions={"queryPlan": render(ready.plan)})
                yield piece

    def answers(self, ready: Ready, caller: Caller) -> AsyncGenerator[SubgraphAnswer, None]:
        """A subscription's events as its subgraph gives them."""
        return self._executor.answers(ready.plan, ready.variables, caller)

    async def event(self, ready: Ready, caller: Caller, answer: SubgraphAnswer) -> Response:
        """One of them as the client gets it."""
        return await self._executor.event(ready.plan, ready.variables, caller, answer)

    def failed(self, ready: Ready, caller: Caller, failure: SubgraphFailed) -> ResponseError:
        return self._executor.failed(ready.plan, caller, failure)

    def recent(self, most: int) -> list[PlanKey]:
        """What clients asked lately, newest first."""
        return self._kept.recent(most)

    async def warm(self, recent: Iterable[PlanKey]) -> None:
        """Plan what clients asked of an older pipeline; what no longer fits is left."""
        for text, operation_name, on, switched_on, met in recent:
            with suppress(RequestRefused):
                met = met & await self.demands_of(OperationRequest(text, operation_name=operation_name), patient=True)
                key = (text, operation_name, on & self._known_labels, switched_on, met)
                if key not in self._kept:
                    await self._planned(key, patient=True)

    def _found(self, key: PlanKey) -> Prepared | None:
        found = self._kept.find(key)
        if found is None:
            self.figures.misses += 1
        else:
            self.figures.hits += 1
        return found

    async def _planned(self, key: PlanKey, patient: bool) -> Prepared:
        self._refuse_if_behind(patient)
        outcome = await self._aside.done((self, key), partial(self._prepare, key))
        tell_phases(outcome.phases)
        if isinstance(outcome.found, RequestRefused):
            # Everybody who waited raises it; none shall drag the ways of the others along.
            raise outcome.found.with_traceback(None)
        self._kept.keep(key, outcome.found)
        return outcome.found

    def _refuse_if_behind(self, patient: bool) -> None:
        """Who waits holds a place among the requests at work, which those that are known need."""
        if not patient and self._aside.is_behind:
            raise Overloaded

    def _prepare(self, key: PlanKey) -> Outcome:
        """In the thread aside."""
        began = time.perf_counter()
        try:
            return self._preparation.outcome(key)
        finally:
            self.figures.planning.observe(time.perf_counter() - began)

    def _coerced(
        self, definitions: tuple[VariableDefinitionNode, ...], given: dict[str, object]
    ) -> Mapping[str, object]:
        if not definitions:
            return {}
        values = get_variable_values(
            self._supergraph.api_schema, definitions, given, max_errors=20, hide_suggestions=not self._development
        )
        if isinstance(values, list):
            raise OperationInvalid(ErrorCode.BAD_USER_INPUT, told(values, self._development))
        return values.coerced


def _refuse_negative_counts(plan: QueryPlan, variables: Mapping[str, object]) -> None:
    for stream in plan.deferral.streams if plan.deferral else ():
        if (count := initial_count(stream, variables)) < 0:
            reason = f"The initialCount of @stream must not be negative, and is {count}."
            raise OperationInvalid(ErrorCode.BAD_USER_INPUT, [GraphQLError(reason)])
