"""What is done once for an operation's text, whoever asks:

    read -> check limits -> validate -> make plain -> authorise -> plan

It takes milliseconds, at its worst seconds, and is done in the thread aside: nothing on the loop touches its parts.
In: a text, and what decides of its plan. Out: what is kept of it. Raises `RequestRefused` for what may not run at all.
"""

from __future__ import annotations

import msgspec
from graphql import DocumentNode, GraphQLError, VariableDefinitionNode, get_operation_ast
from msgspec import Struct

from gateway.errors import ErrorCode, LimitExceeded, OperationInvalid, RequestRefused, Unauthorised
from gateway.operation.authorise import Demands, authorised, demands_in
from gateway.operation.cost import Costs, OperationCost
from gateway.operation.deferring import Deferring, may_come_in_pieces, switches_in
from gateway.operation.prepare import prepare_document
from gateway.operation.reading import OperationReader
from gateway.override_labels import Labels
from gateway.plan.query_plan import QueryPlan
from gateway.planner.planning import Planning
from gateway.planner.shape import shape_of
from gateway.settings import Limits
from gateway.streams.selection import Delivered, with_delivery
from gateway.telemetry.entry import hash_of
from gateway.telemetry.phases import Phase, Phases

Switches = frozenset[str]
PlanKey = tuple[str, str | None, Labels, Switches | None, Demands]
"""An operation text, the operation's name, the override labels that are on, for a plan that defers the conditions'
variables that are on, and which of the operation's demands are met: whoever meets the same has the same plan."""


class Prepared(Struct, frozen=True):
    """switches: the conditions' variables of a text in which something is deferred, else None.

    cost: what it may cost, for any variables; None where nobody wants to know. text_hash: of the text, for logs.
    """

    plan: QueryPlan
    variables: tuple[VariableDefinitionNode, ...]
    delivered: Delivered
    switches: Switches | None = None
    cost: OperationCost | None = None
    text_hash: str = ""


class Outcome(Struct, frozen=True):
    """What became of a text, and what was done for it."""

    found: Prepared | RequestRefused
    phases: tuple[Phase, ...]


class Preparation:
    def __init__(self, planning: Planning, costs: Costs, limits: Limits, development: bool, introspects: bool) -> None:
        self._planning, self._costs, self._limits = planning, costs, limits
        self._supergraph = planning.supergraph
        self._reader = OperationReader(planning.supergraph.api_schema, limits, development)
        self._introspects = introspects

    def demands(self, text: str, operation_name: str | None) -> Demands:
        """All that the operation demands of its caller."""
        operation = prepare_document(self._supergraph, self._reader.document(text), operation_name)
        return demands_in(self._supergraph.api_schema, self._supergraph.access, operation)

    def outcome(self, key: PlanKey) -> Outcome:
        """Told, not raised: what was done is told of a refusal, too."""
        phases = Phases()
        found: Prepared | RequestRefused
        try:
            found = self._prepared(key, phases)
        except RequestRefused as refused:
            found = refused
        return Outcome(found, tuple(phases.ended))

    def _prepared(self, key: PlanKey, phases: Phases) -> Prepared:
        try:
            with phases.phase("parse and validate"):
                document = self._reader.document(key[0])
            return self._planned(document, key, phases)
        except RecursionError:
            raise LimitExceeded("levels of nesting", self._limits.max_depth) from None

    def _planned(self, document: DocumentNode, key: PlanKey, phases: Phases) -> Prepared:
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
        with phases.phase("plan"):
            plan = self._planning.plan(selected, on)
        if selected is not operation:
            shape = shape_of(self._supergraph.api_schema, allowed.marked)
            plan = msgspec.structs.replace(plan, shape=shape, denied=allowed.denied)
        variables = tuple(definition.variable_definitions or ()) if definition else ()
        switches = switches_in(document) if may_come_in_pieces(text) else None
        formula = self._costs.formula(allowed.planned, plan)
        return Prepared(plan, variables, delivered, switches, formula, hash_of(text))
