"""Turn a solution into fetches: one for each visit that begins with a jump, with what it asks and what it waits for.

In: a place plan from the search. Out: `FetchDraft`s in a fixed order, not yet merged. It also hands out response keys
and carries conditions back: a field that only other fetches need is asked for only when one of them is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

from gateway.operation.conditions import ALWAYS, NEVER, Conditions, both, either, necessary
from gateway.operation.model import Field
from gateway.plan.deferral import Part
from gateway.plan.nodes import OperationKind
from gateway.plan.shape import Toggle
from gateway.planner.contexts import Contexts, Level, Use
from gateway.planner.errors import PlanTooComplex
from gateway.planner.fetch_graph import FetchDraft, Group, Item, Path, PathStep, Selection, narrowed
from gateway.planner.requirements import requirements_of
from gateway.planner.response_keys import ResponseKeys
from gateway.planner.solution import Placed, PlacePlan, Solution, Visit
from gateway.query_graph.model import Edge, QueryGraph, TypeNode

Fetches = set[FetchDraft]
_MOST_FIELDS = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where emission stands: the tree's keys there, the way to it, who fetches it, and what must hold on the way.

    required: a fetch needs what is here, so that nothing of it is left out for a condition of the client's.
    levels: the objects from the root down to here. wanted: when something of the visit here is wanted at all.
    """

    keys: ResponseKeys
    path: Path
    fetch: FetchDraft
    selection: Selection
    toggles: frozenset[Toggle]
    levels: tuple[Level, ...]
    required: bool = False
    wanted: Conditions = ALWAYS


class Emission:
    """The fetches of one operation."""

    def __init__(self, graph: QueryGraph, kind: OperationKind, contexts: Contexts) -> None:
        self.graph = graph
        self.kind = kind
        self.contexts = contexts
        self.fetches: list[FetchDraft] = []
        self._fields = 0

    def root(self, plan: PlacePlan, keys: ResponseKeys) -> None:
        """Emit the plan of the root."""
        for visit in plan.visits:
            assert visit.node is not None
            fetch = self._fetch(visit.node, self.kind, visit.part)
            fetch.root = Selection(visit.node)
            place = Place(keys, (), fetch, fetch.root, frozenset(), (Level(keys),))
            for placed in visit.fields:
                fetch.hold_under(necessary(placed.field.conditions))
                self._field(placed, None, visit.node, placed.field.conditions, place)

    def _solution(self, solution: Solution, place: Place) -> Fetches:
        involved: Fetches = set()
        for placed in solution.everywhere:
            held = ALWAYS if place.required else placed.field.conditions
            involved |= self._field(placed, None, solution.node, held, place)
        for concrete, plan in solution.by_type:
            node = solution.node if concrete is None else self.graph.nodes[solution.node.subgraph][concrete]
            involved |= self._plan(plan, concrete, node, replace(place, path=narrowed(place.path, concrete)))
        return involved

    def _plan(self, plan: PlacePlan, concrete: str | None, base: TypeNode, place: Place) -> Fetches:
        """Emit the visits of one place, those first that others wait for."""
        order = _in_order(plan.visits)
        conditions, needed = ({}, {}) if place.required else _conditions(plan.visits, order)
        sources: dict[tuple[int, str, str], Fetches] = {}
        involved: Fetches = set()
        for index in order:
            visit = plan.visits[index]
            here, node, typed = place, base, concrete
            if visit.node is not None:
                held = both(needed.get(index, ALWAYS), frozenset((place.toggles,)))
                here, node, typed = self._entered(visit, base, place, sources, held), visit.node, None
                whole = [conditions.get((index, number), ALWAYS) for number in range(len(visit.fields))]
                here = replace(here, wanted=reduce(either, whole, NEVER))
            for number, placed in enumerate(visit.fields):
                held = conditions.get((index, number), ALWAYS)
                if visit.node is not None:
                    here.fetch.hold_under(place.toggles | necessary(held))
                fetches = self._field(placed, typed, node, held, here)
                involved |= fetches
                if not placed.field.key:
                    sources.setdefault((index, placed.field.name, placed.field.arguments), set()).update(fetches)
            if visit.inner is not None:
                here.fetch.hold_under(place.toggles)
                here.selection.typename = True
                involved |= self._solution(visit.inner, here)
        return involved

    def _entered(
        self,
        visit: Visit,
        base: TypeNode,
        place: Place,
        sources: dict[tuple[int, str, str], Fetches],
        conditions: Conditions,
    ) -> Place:
        """A new fetch for a visit that begins with a jump, and the place as that fetch sees it."""
        assert visit.node is not None
        fetch = self._fetch(visit.node, "query", visit.part)
        fetch.needs.add(place.fetch)
        for feed in visit.feeds:
            for field in visit.inputs:
                fetch.needs |= sources.get((feed, field.name, field.arguments), set())
        as_interface = visit.node.name != base.name or base.is_interface_object
        selection = Selection(visit.node)
        requires = requirements_of(visit.inputs, place.keys)
        concrete = None if as_interface else base.name
        at_root = visit.node.name == self.graph.supergraph.roots["query"]
        parts = {visit.node.name: selection}
        group = Group(place.path, parts, {concrete: requires}, as_interface, at_root=at_root, conditions=conditions)
        fetch.groups.append(group)
        return replace(place, fetch=fetch, selection=selection)

    def _field(
        self, placed: Placed, concrete: str | None, node: TypeNode, conditions: Conditions, place: Place
    ) -> Fetches:
        """Add the field to the place's selection, and what lies below it; says which fetches it takes."""
        # Solutions are shared between places and types; what is emitted of them is not.
        self._fields += 1
        if self._fields > _MOST_FIELDS:
            raise PlanTooComplex(f"{_MOST_FIELDS} fields, counted for each type that they are asked of")
        field = placed.field
        key = place.keys.key_of(field)
        value = placed.value.node if placed.value else None
        edge = node.edges[field.name]
        # The item says all conditions on the way, for others may need what is above it without them.
        whole = both(conditions, frozenset((place.toggles,)))
        item = place.selection.add(key, field, concrete, whole, edge.type_text, value)
        if edge.contexts:
            self._fill(item, edge, place)
        fetches = self._below(placed, key, item, conditions, place)
        if field.needed:
            self.contexts.given(place.path, key, fetches)
        return fetches

    def _fill(self, item: Item, edge: Edge, place: Place) -> None:
        """The arguments that the field is given from objects above."""
        use = Use(place.path, place.levels, place.fetch, place.wanted)
        item.contexts = tuple((argument.name, self.contexts.slot(argument, use)) for argument in edge.contexts)
        place.fetch.groups[0].contexts |= {slot for _, slot in item.contexts}

    def _below(self, placed: Placed, key: str, item: Item, conditions: Conditions, place: Place) -> Fetches:
        field = placed.field
        if placed.value is None or item.value is None:
            return {place.fetch}
        step = PathStep(key, None, placed.value.node.possible)
        keys = place.keys.below(key)
        below = Place(
            keys,
            (*place.path, step),
            place.fetch,
            item.value,
            place.toggles | necessary(conditions),
            (*place.levels, Level(keys, field)),
            required=not field.key,
        )
        if self._needs_typename(field, placed.value):
            item.value.typename = True
        return {place.fetch} | self._solution(placed.value, below)

    def _needs_typename(self, field: Field, value: Solution) -> bool:
        if value.node.is_interface_object:
            return False
        possible = self.graph.supergraph.possible.get(field.type_name, frozenset())
        # In a representation even the only type of an interface is said: its subgraph may know more of them.
        said = not field.key and field.type_name not in possible
        return said or len(possible) > 1 or len(value.node.possible) > 1

    def _fetch(self, node: TypeNode, kind: OperationKind, part: Part) -> FetchDraft:
        fetch = FetchDraft(node.subgraph, kind, part=part)
        self.fetches.append(fetch)
        return fetch


def _in_order(visits: tuple[Visit, ...]) -> list[int]:
    """The visits' numbers, feeds first."""
    order: list[int] = []

    def visit(index: int) -> None:
        if index not in order:
            for feed in sorted(visits[index].feeds):
                visit(feed)
            order.append(index)

    for index in range(len(visits)):
        visit(index)
    return order


def _conditions(
    visits: tuple[Visit, ...], order: list[int]
) -> tuple[dict[tuple[int, int], Conditions], dict[int, Conditions]]:
    """When each placed field is needed, a client's by its own conditions, another when a visit that it feeds is.

    And when each visit is.
    """
    found: dict[tuple[int, int], Conditions] = {}
    needed: dict[int, Conditions] = {}
    for index in reversed(order):
        visit = visits[index]
        whole = NEVER if visit.inner is None else ALWAYS
        for number, placed in enumerate(visit.fields):
            conditions = placed.field.conditions
            if not placed.field.key:
                conditions = NEVER
                for consumer, entered in enumerate(visits):
                    if index in entered.feeds and _takes(entered, placed.field):
                        conditions = either(conditions, needed[consumer])
            found[(index, number)] = conditions
            whole = either(whole, conditions)
        needed[index] = whole
    return found, needed


def _takes(visit: Visit, field: Field) -> bool:
    return any(taken.name == field.name and taken.arguments == field.arguments for taken in visit.inputs)
