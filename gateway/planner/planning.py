"""Plans for one supergraph, whichever of its labelled overrides are on. In: an operation, labels. Out: its plan."""

from __future__ import annotations

from collections import OrderedDict

from gateway.operation.model import Operation
from gateway.plan.query_plan import QueryPlan
from gateway.planner.budget import Budget
from gateway.planner.plan_operation import plan_operation
from gateway.query_graph.build import Labels, build_query_graph
from gateway.query_graph.model import QueryGraph
from gateway.supergraph.model import Supergraph

_MOST_GRAPHS = 32


class Planning:
    """Keeps a query graph for each set of labels that requests came with lately."""

    def __init__(
        self, supergraph: Supergraph, steps: int = 200_000, seconds: float = 10.0, asks_again: bool = False
    ) -> None:
        """`steps`, `seconds`: what planning one operation may cost before it is refused.

        asks_again: subgraphs are asked by key for what they have told of an object before, too.
        """
        self.supergraph = supergraph
        self._steps, self._seconds, self._asks_again = steps, seconds, asks_again
        self.labels: Labels = frozenset(
            field.override.label
            for types in supergraph.types.values()
            for declared in types.values()
            for field in declared.fields.values()
            if field.override and field.override.label
        )
        self._graphs: OrderedDict[Labels, QueryGraph] = OrderedDict()
        self.graph(frozenset())

    def plan(self, operation: Operation, on: Labels = frozenset()) -> QueryPlan:
        return plan_operation(self.graph(on), operation, Budget(self._steps, self._seconds), self._asks_again)

    def graph(self, on: Labels) -> QueryGraph:
        found = self._graphs.get(on)
        if found is None:
            found = self._graphs[on] = build_query_graph(self.supergraph, on)
            if len(self._graphs) > _MOST_GRAPHS:
                self._graphs.popitem(last=False)
        return found
