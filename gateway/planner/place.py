"""Search one place of the response for objects of one type: which subgraphs to visit, by which keys, for which fields.

In: a solver (for what lies below), the type, the visit that the place begins with, and the fields. Out: `PlacePlan`.
A beam search: fields are placed one after the other, those with the fewest ways first, and only the few cheapest drafts
are kept. Ties go to the visit that is there already, then to the subgraph whose name sorts first.

A field that comes later in the answer than the place itself gets a visit of its own, entered by a key even where the
subgraph is the same, so that nothing that comes earlier waits for it. Where no key leads to it, it is fetched early.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.operation.model import Field
from gateway.plan.deferral import FIRST, Part
from gateway.planner.narrowed import by_part
from gateway.planner.solution import NOTHING, Lane, Marks, Placed, PlacePlan, Visit, depth_of, lane_of, later
from gateway.query_graph.model import Edge, QueryGraph, Resolver, TypeNode
from gateway.supergraph.field_set import FieldSelection, FieldSet
from gateway.supergraph.model import TypeKind

if TYPE_CHECKING:
    from gateway.planner.solve import Solver

BEAM = 6
Ban = tuple[str, str, str | None]
Bans = frozenset[Ban]


@dataclass(frozen=True, eq=False, slots=True)
class Draft:
    """A plan in the making."""

    visits: tuple[Visit, ...]
    marks: Marks = NOTHING
    leftover: tuple[Field, ...] = ()
    rank: tuple[int, ...] = ()
    stages: tuple[int, ...] = ()


class PlaceSearch:
    """The search at one place. `base` is None at the root, where every subgraph can be entered without a key.

    part: with which part of the answer the place begins.
    """

    def __init__(
        self,
        solver: Solver,
        type_name: str,
        base: TypeNode | None,
        provided: FieldSet,
        splits: bool = True,
        part: Part = FIRST,
    ) -> None:
        self.solver = solver
        self.type_name = type_name
        self.base = base
        self.provided = provided
        self.splits = splits
        self.part = part
        self.ways = solver.graph.resolvers.get(type_name, {})

    def plan(self, fields: tuple[Field, ...]) -> PlacePlan:
        """The cheapest plan for the fields; what cannot be reached is left over."""
        draft = self._best(self._all_placed([self._start()], fields))[0]
        return PlacePlan(draft.visits, draft.marks, draft.leftover)

    def plan_with_types(self, plain: tuple[Field, ...], typed: tuple[Field, ...]) -> PlacePlan:
        """The plan at an interface object's place: `typed` fields need to know the concrete type first."""
        start = self._start()
        local = tuple(f for f in plain if self._local(start.visits[0], f)[0] is not None)
        other = tuple(f for f in plain if f not in local)
        elsewhere = tuple(f for f in other if f.name in self.ways)
        found: list[Draft] = []
        for through in dict.fromkeys((elsewhere, ())):
            drafts = self._best(self._all_placed([start], (*local, *through)))
            rest = (*(f for f in other if f not in through), *typed)
            for part, fields in by_part(rest, self.part).items():
                drafts = self._best(end for draft in drafts for end in self._typed_entries(draft, fields, part))
            found += drafts
        if not found:
            found = [replace(draft, leftover=(*draft.leftover, *typed)) for draft in self._all_placed([start], plain)]
        draft = self._best(found)[0]
        return PlacePlan(draft.visits, draft.marks, draft.leftover)

    def _typed_entries(self, draft: Draft, fields: tuple[Field, ...], part: Part) -> Iterator[Draft]:
        for node in self.solver.graph.typed_entries.get(self.type_name, ()):
            inner = self.solver.solve(node.subgraph, node.name, (), fields, part)
            if inner is None:
                continue
            for entered, index in self._entered(draft, node, node.keys, (), frozenset(), part):
                visits = list(entered.visits)
                visits[index] = replace(visits[index], inner=inner)
                yield self._ranked(tuple(visits), (*entered.leftover, *inner.leftover))

    def _start(self) -> Draft:
        return self._ranked((Visit(None, (), frozenset(), part=self.part),) if self.base else (), ())

    def _all_placed(self, drafts: list[Draft], fields: tuple[Field, ...]) -> list[Draft]:
        for field in sorted(fields, key=self._count_ways):
            part = field.part if field.key else self.part
            found = [
                after for draft in drafts for after in self._obtained(draft, field, frozenset(), frozenset(), part)
            ]
            if found:
                drafts = self._best(found)
            else:
                drafts = [self._ranked(draft.visits, (*draft.leftover, field)) for draft in drafts]
        return drafts

    def _count_ways(self, field: Field) -> tuple[bool, int]:
        """What comes later is placed later."""
        return bool(field.key) and field.part != self.part, len(self.ways.get(field.name, ()))

    def _obtained(
        self, draft: Draft, field: Field, bans: Bans, avoided: frozenset[str], part: Part, is_key: bool = False
    ) -> list[Draft]:
        """Drafts that fetch the field for this part, too: in a visit that is there, or in a new one."""
        self.solver.budget.spend()
        if not field.key and any(
            placed.field is field
            for visit in draft.visits
            if visit.part == part or self._is_before(visit, part)
            for placed in visit.fields
        ):
            return [draft]
        found: list[Draft] = []
        seen: set[TypeNode] = set()
        for index, visit in enumerate(draft.visits):
            node = visit.node or self.base
            assert node is not None
            edge, provided = self._local(visit, field)
            if edge is None or node in seen or node.subgraph in avoided:
                continue
            if visit.part != part and not self._costs_no_time(visit, field, is_key):
                continue
            seen.add(node)
            after = self._placed(draft, index, node, edge, provided, field, bans, avoided)
            free = [one for one in after if one.marks == draft.marks and one.leftover == draft.leftover]
            if free:
                return free[:1]
            found += after
        for way in self.ways.get(field.name, ()):
            if way.node.subgraph in avoided or (way.node in seen and not way.edge.requires):
                continue
            found += self._by_way(draft, way, field, bans, avoided, part)
        if not found and part != self.part:
            found = self._obtained(draft, field, bans, avoided, self.part)
        return self._best(found)

    def _is_before(self, visit: Visit, part: Part) -> bool:
        """Whether what the visit fetches is there when the part's own fetches begin."""
        return visit.part != part and visit.part == self.part

    def _costs_no_time(self, visit: Visit, field: Field, is_key: bool) -> bool:
        """Whether a visit of an earlier part may fetch what only the plan needs: a key, or what it fetches anyway."""
        if field.key or visit.part != self.part:
            return False
        return is_key or any(
            placed.field.name == field.name and placed.field.arguments == field.arguments and not field.selections
            for placed in visit.fields
        )

    def _by_way(
        self, draft: Draft, way: Resolver, field: Field, bans: Bans, avoided: frozenset[str], part: Part
    ) -> Iterator[Draft]:
        ban = (way.node.subgraph, way.node.name, field.name if way.edge.requires else None)
        if ban in bans or (self.base is not None and way.keys == ((),) and not self._is_query_below(way.node)):
            return
        requires = self.solver.demands.of(way.edge.requires, self.type_name)
        for entered, index in self._entered(draft, way.node, way.keys, requires, bans | {ban}, part):
            yield from self._placed(entered, index, way.node, way.edge, (), field, bans, avoided)

    def _is_query_below(self, node: TypeNode) -> bool:
        """The query root may be reached again below itself, as in a mutation's payload, and is the same everywhere."""
        return node.name == self.solver.graph.supergraph.roots["query"]

    def _entered(
        self,
        draft: Draft,
        node: TypeNode,
        keys: tuple[FieldSet, ...],
        requires: tuple[Field, ...],
        bans: Bans,
        part: Part,
    ) -> Iterator[tuple[Draft, int]]:
        """Drafts that have a visit of the node which is given what the field requires, and that visit's number."""
        if requires:
            joined = list(self._joined(draft, node, requires, bans, part))
            if joined:
                yield from joined
                return
        for key in keys:
            key_fields = self.solver.demands.of(key, self.type_name)
            inputs = tuple(dict.fromkeys((*key_fields, *requires)))
            cheap = False
            for ready in self._with_inputs(draft, inputs, bans, part, key_fields):
                feeds = self._feeds(ready, inputs, part)
                after = self._ranked((*ready.visits, Visit(node, inputs, feeds, part=part)), ready.leftover)
                cheap = cheap or len(after.marks) <= len(draft.marks) + 1
                yield after, len(ready.visits)
            if cheap:
                return

    def _joined(
        self, draft: Draft, node: TypeNode, requires: tuple[Field, ...], bans: Bans, part: Part
    ) -> Iterator[tuple[Draft, int]]:
        """Give a visit that is already planned the required fields, unless they in turn wait for that visit."""
        for index, visit in enumerate(draft.visits):
            if visit.node is not node or visit.part != part or not _compatible(visit.inputs, requires):
                continue
            for ready in self._with_inputs(draft, requires, bans, part):
                feeds = self._feeds(ready, requires, part)
                if index in _ancestors(ready.visits, feeds):
                    continue
                visits = list(ready.visits)
                inputs = tuple(dict.fromkeys((*visits[index].inputs, *requires)))
                visits[index] = replace(visits[index], inputs=inputs, feeds=visits[index].feeds | feeds)
                yield self._ranked(tuple(visits), ready.leftover), index

    def _with_inputs(
        self, draft: Draft, inputs: tuple[Field, ...], bans: Bans, part: Part, key_fields: tuple[Field, ...] = ()
    ) -> list[Draft]:
        drafts = [draft]
        for field in inputs:
            is_key = field in key_fields
            drafts = self._best(
                [after for one in drafts for after in self._obtained(one, field, bans, frozenset(), part, is_key)]
            )
        return drafts

    def _feeds(self, draft: Draft, inputs: tuple[Field, ...], part: Part) -> frozenset[int]:
        wanted = {(field.name, field.arguments) for field in inputs}
        found = {
            index
            for index, visit in enumerate(draft.visits)
            if visit.part == part or self._is_before(visit, part)
            for placed in visit.fields
            if not placed.field.key and (placed.field.name, placed.field.arguments) in wanted
        }
        return frozenset(found | {0}) if self.base else frozenset(found)

    def _placed(
        self,
        draft: Draft,
        index: int,
        node: TypeNode,
        edge: Edge,
        provided: FieldSet,
        field: Field,
        bans: Bans,
        avoided: frozenset[str],
    ) -> list[Draft]:
        """The draft with the field in the visit. What the visit cannot give of it is asked of another subgraph."""
        if not field.selections:
            return [self._with_field(draft, index, Placed(field, None))]
        part = draft.visits[index].part
        value = self.solver.solve(node.subgraph, edge.type_name, (*edge.provides, *provided), field.selections, part)
        if value is None or value.leftover == field.selections:
            return []
        after = [self._with_field(draft, index, Placed(field, value))]
        for own, selections in by_part(value.leftover, part).items() if value.leftover else ():
            rest = self.solver.narrowed.to(field, selections, field.types, own if field.key else None)
            found: list[Draft] = []
            for one in after if self.splits else ():
                found += self._obtained(one, rest, bans, avoided | {node.subgraph}, own)
            if not found and not field.key:
                return []
            after = self._best(found) or [self._ranked(one.visits, (*one.leftover, rest)) for one in after]
        return after

    def _with_field(self, draft: Draft, index: int, placed: Placed) -> Draft:
        visits = list(draft.visits)
        visit = visits[index]
        visits[index] = Visit(visit.node, visit.inputs, visit.feeds, (*visit.fields, placed), visit.inner, visit.part)
        marks = draft.marks
        if placed.value is not None and placed.value.marks:
            marks |= later(placed.value.marks, draft.stages[index])
        return _draft(tuple(visits), marks, draft.leftover, draft.stages, self.solver.defers)

    def _local(self, visit: Visit, field: Field) -> tuple[Edge | None, FieldSet]:
        """The edge by which the visit gives the field without more ado, and what is provided below it."""
        if visit.node is not None:
            edge = visit.node.edges.get(field.name)
            return (edge if edge and edge.local and not edge.requires else None), ()
        assert self.base is not None
        edge = self.base.edges.get(field.name)
        if edge is None:
            return None, ()
        given, inner = provided_at(self.solver.graph, self.provided, field.name, self.base)
        free = (given or (edge.local and not edge.requires)) and not edge.contexts
        return (edge if free else None), inner

    def _ranked(self, visits: tuple[Visit, ...], leftover: tuple[Field, ...]) -> Draft:
        stages = self._stages(visits)
        marks: set[tuple[int, Lane]] = set()
        for stage, visit in zip(stages, visits, strict=True):
            if visit.node is not None:
                marks.add((stage, lane_of(visit.node, visit.part)))
            for placed in visit.fields:
                if placed.value is not None and placed.value.marks:
                    marks |= later(placed.value.marks, stage)
            if visit.inner is not None:
                marks |= later(visit.inner.marks, stage)
        return _draft(visits, frozenset(marks), leftover, tuple(stages), self.solver.defers)

    def _stages(self, visits: tuple[Visit, ...]) -> list[int]:
        """How many requests come before each visit, beginning with the one that the place begins with."""
        stages: dict[int, int] = {}

        def stage_of(index: int) -> int:
            if index not in stages:
                visit = visits[index]
                if visit.node is None or not visit.feeds:
                    stages[index] = 0
                else:
                    stages[index] = 1 + max(
                        stage_of(feed) + _depth_of_inputs(visits[feed], visit.inputs) for feed in visit.feeds
                    )
            return stages[index]

        return [stage_of(index) for index in range(len(visits))]

    def _best(self, drafts: Iterable[Draft]) -> list[Draft]:
        """The cheapest drafts, in order; sorting is stable, so ties keep the order in which they were found."""
        return sorted(drafts, key=lambda draft: draft.rank)[:BEAM]


def _draft(
    visits: tuple[Visit, ...], marks: Marks, leftover: tuple[Field, ...], stages: tuple[int, ...], defers: bool
) -> Draft:
    if not defers:
        return Draft(visits, marks, leftover, (_size(leftover), *_cost(marks), len(visits)), stages)
    # What comes at once comes first: a later part is never made cheaper by it.
    first = frozenset(mark for mark in marks if isinstance(mark[1], str))
    return Draft(visits, marks, leftover, (_size(leftover), *_cost(first), *_cost(marks - first), len(visits)), stages)


def _cost(marks: Marks) -> tuple[int, int, int]:
    """How many requests, after how many steps, and how late they all are."""
    return len(marks), depth_of(marks), sum(stage for stage, _ in marks)


def provided_at(graph: QueryGraph, provided: FieldSet, name: str, node: TypeNode) -> tuple[bool, FieldSet]:
    """Whether a @provides on the way gives the field for objects of the node, and what it gives below it."""
    given = False
    inner: FieldSet = ()
    for selection in provided:
        if isinstance(selection, FieldSelection):
            if selection.name == name:
                given = True
                inner += selection.selections
            continue
        condition = selection.type_condition
        if condition in (None, node.name):
            holds = True
        else:
            wider = graph.nodes[node.subgraph].get(condition or "")
            holds = wider is not None and wider.kind is not TypeKind.OBJECT and node.possible <= wider.possible
        if holds:
            found, below = provided_at(graph, selection.selections, name, node)
            given = given or found
            inner += below
    return given, inner


def _depth_of_inputs(visit: Visit, inputs: tuple[Field, ...]) -> int:
    wanted = {(field.name, field.arguments) for field in inputs}
    return max(
        (
            depth_of(placed.value.marks)
            for placed in visit.fields
            if placed.value is not None
            and not placed.field.key
            and (placed.field.name, placed.field.arguments) in wanted
        ),
        default=0,
    )


def _ancestors(visits: tuple[Visit, ...], feeds: frozenset[int]) -> set[int]:
    found: set[int] = set()
    waiting = list(feeds)
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting += visits[index].feeds
    return found


def _compatible(left: tuple[Field, ...], right: tuple[Field, ...]) -> bool:
    """Whether one representation can hold both: no field in it would have to have two different arguments."""
    for one in left:
        for other in right:
            if one.name == other.name:
                if one.arguments != other.arguments:
                    return False
                if not _compatible(one.selections, other.selections):
                    return False
    return True


def _size(fields: tuple[Field, ...]) -> int:
    return sum(_size(field.selections) if field.selections else 1 for field in fields)
