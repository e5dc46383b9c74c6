"""One request, text to response. Reads as a table of contents:

    read -> check limits -> validate -> make plain -> authorise -> plan     once for a text (kept, bounded)
    -> coerce variables -> execute                             for every request, every event of a subscription

In: an `OperationRequest` and who asks. Out: a `Response`; for a subscription, one for each event; for an operation that
defers, to who takes it in pieces, the first answer and what comes after it. Raises `RequestRefused` for what may not
run at all; the edge says it in its own protocol.

An operation that defers has a second plan for each choice of its conditions; without @defer nothing of this happens.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import aclosing, suppress
from itertools import islice

import msgspec
from graphql import (
    DocumentNode,
    GraphQLError,
    VariableDefinitionNode,
    get_operation_ast,
    get_variable_values,
)
from msgspec import Struct, field

from gateway.client.protocol import SubgraphAnswer
from gateway.errors import ErrorCode, LimitExceeded, OperationInvalid, RequestRefused, SubgraphFailed, Unauthorised
from gateway.execution.caller import Caller
from gateway.execution.denied import refuse_denied
from gateway.execution.executor import Executor
from gateway.execution.later_items import initial_count
from gateway.execution.pieces import Piece, Spelling
from gateway.execution.response import Response, ResponseError
from gateway.operation.authorise import NOBODY, Access, Demands, authorised, demands_in
from gateway.operation.cost import Costs, Estimate, OperationCost
from gateway.operation.deferring import Deferring, may_come_in_pieces, switches_in
from gateway.operation.limits import check_variables
from gateway.operation.prepare import prepare_document
from gateway.operation.reading import OperationReader, told
from gateway.override_labels import Labels, OverrideLabels
from gateway.plan.nodes import SubgraphName
from gateway.plan.query_plan import QueryPlan
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.planner.shape import shape_of
from gateway.settings import AccessSettings, CostSettings, Limits
from gateway.streams.selection import Delivered, with_delivery
from gateway.telemetry.entry import current_entry, hash_of, phase
from gateway.telemetry.histogram import Histogram


class OperationRequest(Struct, frozen=True, rename="camel"):
    """What a client sends, by whatever transport."""

    query: str
    variables: dict[str, object] | None = None
    operation_name: str | None = None
    extensions: dict[str, object] | None = None


Switches = frozenset[str]
PlanKey = tuple[str, str | None, Labels, Switches | None, Demands]
"""An operation text, the operation's name, the override labels that are on, for a plan that defers the conditions'
variables that are on, and which of the operation's demands are met: whoever meets the same has the same plan."""
NOTHING_DEMANDED: Demands = frozenset()
# Characters of all texts whose plans are kept: two thousand of the longest that are allowed would be half a gigabyte.
_MOST_KEPT_TEXT = 16 * 1024 * 1024


class Prepared(Struct, frozen=True):
    """What is known of a text whoever asks: kept for the next request.

    switches: the conditions' variables of a text in which something is deferred, else None.
    cost: what it may cost, for any variables; None where nobody wants to know. text_hash: of the text, for logs.
    """

    plan: QueryPlan
    variables: tuple[VariableDefinitionNode, ...]
    delivered: Delivered
    switches: Switches | None = None
    cost: OperationCost | None = None
    text_hash: str = ""


class Ready(Struct, frozen=True):
    """A request that may run: its plan and its coerced variables, and the pipeline that made them.

    delivered: how a subscription's events go out.
    demands: what the operation demands of its caller; access: what the caller holds. cost: what it may cost.
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
    ) -> None:
        self.figures = figures or PlanFigures()
        self._planning = planning
        self._supergraph = planning.supergraph
        self._labels = labels
        self._executor = executor
        self._limits = limits
        self._reader = OperationReader(planning.supergraph.api_schema, limits, development)
        self._access = access
        self._costs = Costs(planning.supergraph, cost)
        self._demands: OrderedDict[tuple[str, str | None], Demands] = OrderedDict()
        self._kept: OrderedDict[PlanKey, Prepared] = OrderedDict()
        self._kept_length = self._demands_length = 0
        self._max_kept_plans = max_kept_plans
        self._development = development
        self._introspects = introspects

    @property
    def kept_plans(self) -> int:
        return len(self._kept)

    @property
    def subgraphs(self) -> Collection[SubgraphName]:
        return self._supergraph.subgraphs.keys()

    def ready(
        self,
        request: OperationRequest,
        labels: Labels | None = None,
        in_pieces: bool = False,
        access: Access = NOBODY,
    ) -> Ready:
        """`labels`: the overrides that are on, for an operation that has drawn them already.

        in_pieces: the client takes what is deferred after the first answer; others get all of it at once.
        access: what the caller holds of what the operation may demand.
        """
        on = self._labels.on() if labels is None else labels & self._planning.labels
        name = request.operation_name or None
        check_variables(request.variables, self._limits)
        demands = self.demands_of(request)
        met = access.met(demands) if demands else demands
        prepared = self._prepared((request.query, name, on, None, met))
        variables = self._coerced(prepared.variables, request.variables or {})
        if in_pieces and prepared.switches is not None:
            switched_on = frozenset(each for each in prepared.switches if variables.get(each, True))
            deferring = self._prepared((request.query, name, on, switched_on, met))
            prepared = prepared if deferring.plan.deferral is None else deferring
            _refuse_negative_counts(prepared.plan, variables)
        if prepared.plan.denied and self._access.mode == "reject":
            refuse_denied(prepared.plan.denied, variables)
        cost = self._costs.checked(prepared.cost, variables)
        return Ready(
            prepared.plan, variables, request, self, on, prepared.delivered, demands, access, cost, prepared.text_hash
        )

    def demands_of(self, request: OperationRequest) -> Demands:
        """All that the operation demands of its caller. Raises `RequestRefused` for what is no valid operation."""
        rules = self._supergraph.access
        if not rules:
            return NOTHING_DEMANDED
        key = (request.query, request.operation_name or None)
        found = self._demands.get(key)
        if found is None:
            operation = prepare_document(self._supergraph, self._reader.document(key[0]), key[1])
            found = self._demands[key] = demands_in(self._supergraph.api_schema, rules, operation)
            self._demands_length += len(key[0])
            while len(self._demands) > self._max_kept_plans or self._demands_length > _MOST_KEPT_TEXT:
                gone, _ = self._demands.popitem(last=False)
                self._demands_length -= len(gone[0])
        else:
            self._demands.move_to_end(key)
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
        return list(islice(reversed(self._kept), most))

    def warm(self, recent: Iterable[PlanKey]) -> None:
        """Plan what clients asked of an older pipeline; what no longer fits is left."""
        for text, operation_name, on, switched_on, met in recent:
            with suppress(RequestRefused):
                met = met & self.demands_of(OperationRequest(text, operation_name=operation_name))
                key = (text, operation_name, on & self._planning.labels, switched_on, met)
                if key not in self._kept:
                    self._keep(key)

    def _prepared(self, key: PlanKey) -> Prepared:
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            self.figures.hits += 1
            return kept
        self.figures.misses += 1
        began = time.perf_counter()
        try:
            return self._keep(key)
        finally:
            self.figures.planning.observe(time.perf_counter() - began)

    def _keep(self, key: PlanKey) -> Prepared:
        prepared = self._prepare(key)
        self._kept[key] = prepared
        self._kept_length += len(key[0])
        while len(self._kept) > self._max_kept_plans or self._kept_length > _MOST_KEPT_TEXT:
            gone, _ = self._kept.popitem(last=False)
            self._kept_length -= len(gone[0])
        return prepared

    def _prepare(self, key: PlanKey) -> Prepared:
        try:
            with phase("parse and validate"):
                document = self._reader.document(key[0])
            return self._planned(document, key)
        except RecursionError:
            raise LimitExceeded("levels of nesting", self._limits.max_depth) from None

    def _planned(self, document: DocumentNode, key: PlanKey) -> Prepared:
        text, operation_name, on, switched_on, met = key
        deferring = None if switched_on is None else Deferring(switched_on, self._limits.max_defers)
        operation = prepare_document(self._supergraph, document, operation_name, deferring)
        if operation.introspection is not None and not self._introspects:
            refused = GraphQLError("Introspection is switched off here.")
            raise OperationInvalid(ErrorCode.GRAPHQL_VALIDATION_FAILED, [refused])
        definition = get_operation_ast(document, operation_name)
        allowed = authorised(self._supergraph.api_schema, self._supergraph.access, operation, met)
        if operation.kind == "subscription" and not allowed.planned.fields:
            raise Unauthorised([denied.path for denied in allowed.denied])
        selected, delivered = with_delivery(self._supergraph, allowed.planned)
        with phase("plan"):
            plan = self._planning.plan(selected, on)
        if selected is not operation:
            shape = shape_of(self._supergraph.api_schema, allowed.marked)
            plan = msgspec.structs.replace(plan, shape=shape, denied=allowed.denied)
        variables = tuple(definition.variable_definitions or ()) if definition else ()
        switches = switches_in(document) if may_come_in_pieces(text) else None
        formula = self._costs.formula(allowed.planned, plan)
        return Prepared(plan, variables, delivered, switches, formula, hash_of(text))

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
