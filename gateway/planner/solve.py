"""Solve selections from the leaves up: the cheapest way to fetch them when one starts in a given subgraph.

In: the query graph, a place (subgraph and type), what is provided there, and the selections. Out: `Solution`. Pure and
remembered: the same selections from the same start are solved once. A place whose objects have several concrete types
    is solved as one as long as its subgraph treats them alike, and type by type only for the fields where it does
    not.
"""

from __future__ import annotations

from gateway.operation.deferring import ITSELF
from gateway.operation.model import Field
from gateway.plan.deferral import FIRST, Part
from gateway.plan.nodes import SubgraphName
from gateway.planner.budget import Budget
from gateway.planner.narrowed import Narrowed
from gateway.planner.place import PlaceSearch, provided_at
from gateway.planner.solution import NOTHING, Marks, Placed, PlacePlan, Solution
from gateway.query_graph.model import QueryGraph, TypeNode
from gateway.supergraph.field_set import FieldSet
from gateway.supergraph.model import TypeKind

Start = tuple[SubgraphName, str, FieldSet, tuple[Field, ...], Part]


class Solver:
    """The search for one operation. `defers`: some of its fields come later in the answer."""

    def __init__(self, graph: QueryGraph, budget: Budget, defers: bool = False) -> None:
        self.graph = graph
        self.defers = defers
        self.demands = graph.demands
        self.budget = budget
        self.narrowed = Narrowed()
        self.known: dict[Start, Solution | None] = {}
        self.visible = frozenset(graph.supergraph.api_schema.type_map)

    def root(self, type_name: str, fields: tuple[Field, ...], splits: bool) -> PlacePlan:
        """The plan of root fields. Only where `splits` may one field be asked of several subgraphs."""
        return PlaceSearch(self, type_name, None, (), splits).plan(fields)

    def solve(
        self,
        subgraph: SubgraphName,
        type_name: str,
        provided: FieldSet,
        selections: tuple[Field, ...],
        part: Part = FIRST,
    ) -> Solution | None:
        """The cheapest solution when one starts with this part of the answer; None when the type is not known there."""
        start = (subgraph, type_name, provided, selections, part)
        if start not in self.known:
            self.budget.spend(1 + len(selections))
            node = self.graph.nodes[subgraph].get(type_name)
            self.known[start] = self._solve(node, provided, selections, part) if node else None
        return self.known[start]

    def _solve(self, node: TypeNode, provided: FieldSet, selections: tuple[Field, ...], part: Part) -> Solution:
        if node.kind is TypeKind.OBJECT and not node.is_interface_object:
            wanted = tuple(f for f in selections if f.name != "__typename" and (not f.types or node.name in f.types))
            plan = PlaceSearch(self, node.name, node, provided, part=part).plan(wanted)
            return Solution(node, (), ((None, plan),), plan.marks, plan.leftover)
        if node.is_interface_object:
            return self._of_unknown_type(node, provided, selections, part)
        return self._of_several_types(node, provided, selections, part)

    def _of_unknown_type(
        self, node: TypeNode, provided: FieldSet, selections: tuple[Field, ...], part: Part
    ) -> Solution:
        """An interface object's place: its subgraph cannot say which concrete type an object has."""
        possible = self._possible(node, selections)
        selections = tuple(f for f in selections if f is not ITSELF)
        plain = tuple(f for f in selections if f.name != "__typename" and (f.types is None or f.types >= possible))
        typed = tuple(f for f in selections if f not in plain)
        if any(f.types and f.part != part for f in typed):
            # Whether there is anything to defer depends on the type.
            typed = (ITSELF, *typed)
        plan = PlaceSearch(self, node.name, node, provided, part=part).plan_with_types(plain, typed)
        return Solution(node, (), ((None, plan),), plan.marks, plan.leftover)

    def _of_several_types(
        self, node: TypeNode, provided: FieldSet, selections: tuple[Field, ...], part: Part
    ) -> Solution:
        possible = self._possible(node, selections)
        everywhere: list[Placed] = []
        marks: Marks = NOTHING
        apart: list[tuple[Field, frozenset[str]]] = []
        for field in selections:
            here = possible if field.types is None else field.types & possible
            if field.name == "__typename" or not here:
                continue
            placed = self._alike(node, provided, field, part) if here == possible else None
            if placed is None:
                apart.append((field, here))
            else:
                everywhere.append(placed)
                marks |= placed.value.marks if placed.value else NOTHING
        plans: list[tuple[str | None, PlacePlan]] = []
        missing: dict[tuple[Field, tuple[Field, ...], Part], set[str]] = {}
        originals = {(field.key, field.name, field.arguments): field for field, _ in apart}
        for concrete in sorted(possible):
            wanted = tuple(field for field, here in apart if concrete in here)
            if not wanted:
                continue
            base = self.graph.nodes[node.subgraph][concrete]
            plan = PlaceSearch(self, concrete, base, provided, part=part).plan(wanted)
            plans.append((concrete, plan))
            marks |= plan.marks
            for field in plan.leftover:
                original = originals[(field.key, field.name, field.arguments)]
                missing.setdefault((original, field.selections, field.part), set()).add(concrete)
        leftover = tuple(
            self.narrowed.to(field, rest, None if field.types is None and types == possible else frozenset(types), own)
            for (field, rest, own), types in missing.items()
        )
        return Solution(node, tuple(everywhere), tuple(plans), marks, leftover)

    def _alike(self, node: TypeNode, provided: FieldSet, field: Field, part: Part) -> Placed | None:
        """The field asked of the abstract type itself, when its subgraph gives it for every concrete type."""
        edge = node.edges.get(field.name)
        if edge is None or edge.requires or edge.contexts or (field.key and field.part != part):
            return None
        types = self.graph.nodes[node.subgraph]
        given, inner = provided_at(self.graph, provided, field.name, node)
        for concrete in () if given else node.possible:
            own = types[concrete].edges.get(field.name)
            if own is None or own.requires or own.contexts:
                return None
            if not own.local and not provided_at(self.graph, provided, field.name, types[concrete])[0]:
                return None
        if not field.selections:
            return Placed(field, None)
        value = self.solve(node.subgraph, edge.type_name, (*edge.provides, *inner), field.selections, part)
        return None if value is None or value.leftover else Placed(field, value)

    def _possible(self, node: TypeNode, selections: tuple[Field, ...]) -> frozenset[str]:
        """The concrete types at the place; for a client's selections only those that clients may see."""
        if selections and selections[0].key:
            return node.possible & self.visible
        return node.possible
