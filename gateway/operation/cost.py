"""Demand control: what an operation may cost, estimated before anything is fetched, and what it cost in the end.

In: a plain operation and its plan, once; then variables for every request. Out: an `Estimate`. Refuses
(`TooExpensive`), where costs are enforced, what is estimated above a maximum: the whole operation's, or that of all
requests to one subgraph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from msgspec import Struct

from gateway.errors import ErrorCode, RequestRefused
from gateway.execution.response import Response
from gateway.operation.cost_formula import (
    Cost,
    FormulaWriter,
    Variables,
    Weighing,
    actual_total,
    depends_on_variables,
    operation_cost,
    total,
)
from gateway.operation.cost_of_fetches import FetchCosts, fetch_costs, fetch_totals
from gateway.operation.model import Operation
from gateway.plan.query_plan import QueryPlan
from gateway.settings import CostSettings
from gateway.supergraph.model import Supergraph


class TooExpensive(RequestRefused):
    """The operation may cost more than is allowed. `subgraph`: whose maximum it passes; None: the operation's own."""

    code = ErrorCode.COST_ESTIMATED_TOO_EXPENSIVE

    @property
    def told(self) -> tuple[tuple[str, object], ...]:
        # A larger number than this is one that JSON's readers cannot hold.
        figures: tuple[tuple[str, object], ...] = (("estimated", min(self.estimated, 2**53)), ("max", self.most))
        return figures if self.subgraph is None else (*figures, ("service", self.subgraph))

    def __init__(self, estimated: int, most: int, subgraph: str | None) -> None:
        what = "The operation" if subgraph is None else f"What it asks of subgraph {subgraph!r}"
        super().__init__(
            f"{what} may cost {_short(estimated)}, and {most} is the most: ask for shorter lists, or less of each item."
        )
        self.estimated, self.most, self.subgraph = estimated, most, subgraph


class Told(TypedDict):
    """`extensions.cost`. `max`: the most that an operation may cost."""

    estimated: int
    actual: int
    max: int
    subgraphs: NotRequired[dict[str, int]]


class OperationCost(Struct, frozen=True):
    """What an operation costs. `constant`: its value where variables change nothing of it. base: of its kind."""

    base: int
    costs: tuple[Cost, ...]
    constant: Estimate | None
    fetches: FetchCosts | None


class Estimate(Struct, frozen=True):
    """subgraphs: told only where somebody wants to know."""

    estimated: int
    formula: OperationCost
    subgraphs: Mapping[str, int] = {}


class Costs:
    def __init__(self, supergraph: Supergraph, settings: CostSettings) -> None:
        self._supergraph = supergraph
        self._settings = settings
        self._is_on = settings.mode != "off"
        self._strict = settings.mode == "enforce"
        self._per_subgraph = bool(settings.subgraph_max is not None or settings.subgraph_maxima or settings.shows)
        self._writer = FormulaWriter(supergraph.api_schema, supergraph.cost, settings.list_size)

    @property
    def shows(self) -> bool:
        return self._settings.shows

    def formula(self, operation: Operation, plan: QueryPlan) -> OperationCost | None:
        """For any variables; None where costs are not looked at."""
        if not self._is_on:
            return None
        costs = self._writer.costs(operation.root_type, operation.fields)
        fetches = fetch_costs(self._supergraph, self._writer, plan) if self._per_subgraph else None
        whole = OperationCost(operation_cost(operation.kind), costs, None, fetches)
        if fetches is None and not any(map(depends_on_variables, costs)):
            return OperationCost(whole.base, costs, self._estimate(whole, {}), None)
        return whole

    def checked(self, formula: OperationCost | None, variables: Variables) -> Estimate | None:
        """The estimate for these variables. Raises `TooExpensive`."""
        if formula is None:
            return None
        estimate = formula.constant or self._estimate(formula, variables)
        if self._strict:
            if estimate.estimated > self._settings.max:
                raise TooExpensive(estimate.estimated, self._settings.max, None)
            for subgraph, cost in estimate.subgraphs.items():
                most = self._settings.subgraph_maxima.get(subgraph, self._settings.subgraph_max)
                if most is not None and cost > most:
                    raise TooExpensive(cost, most, subgraph)
        return estimate

    def told(self, estimate: Estimate, response: Response, variables: Variables) -> Told:
        """For `extensions.cost`."""
        formula, data = estimate.formula, response.as_json().get("data")
        actual = formula.base + (actual_total(formula.costs, data, variables) if isinstance(data, dict) else 0)
        told: Told = {"estimated": estimate.estimated, "actual": actual, "max": self._settings.max}
        return {**told, "subgraphs": dict(estimate.subgraphs)} if estimate.subgraphs else told

    def _estimate(self, formula: OperationCost, variables: Variables) -> Estimate:
        variables = Weighing(variables)
        estimated = formula.base + total(formula.costs, variables, self._strict)
        subgraphs = fetch_totals(formula.fetches, variables) if formula.fetches else {}
        return Estimate(max(0, estimated), formula, subgraphs)


def _short(number: int) -> str:
    """Of a huge number only how huge: it may have more digits than Python will print."""
    bits = number.bit_length()
    return str(number) if bits <= 128 else f"more than 2^{bits - 1}"
