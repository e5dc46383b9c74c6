"""Plan one operation: which fetches, in which order, and how the answer is read out of them.

In: the query graph and a prepared operation. Out: `QueryPlan`. Pure: no I/O, no clock; equal operations on equal graphs
give equal plans. Refuses an operation that passes the budget, and one with a field that no subgraph can give.

    solve (where is each field fetched)  ->  emit (fetches)  ->  passes (fewer fetches)  ->  document, order, shape

Fetches for deferred parts of the answer stand beside the plan of what comes at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.operation.conditions import NEVER, both, either, negated
from gateway.operation.model import Field, Operation
from gateway.plan.deferral import FIRST, Deferral, DeferredPart, Part
from gateway.plan.nodes import Fetch, Node, Subscribe
from gateway.plan.query_plan import QueryPlan
from gateway.planner.budget import Budget
from gateway.planner.contexts import Contexts
from gateway.planner.document import fetch_of
from gateway.planner.emit import Emission
from gateway.planner.errors import PlanTooComplex, Unreachable
from gateway.planner.fetch_graph import FetchDraft
from gateway.planner.order import in_sequence, ordered
from gateway.planner.passes.drop_repeated import drop_repeated
from gateway.planner.passes.join_mutations import join_mutations
from gateway.planner.passes.know_again import know_again
from gateway.planner.passes.merge_siblings import merge_siblings
from gateway.planner.response_keys import ResponseKeys
from gateway.planner.shape import shape_of
from gateway.planner.solution import PlacePlan
from gateway.planner.solve import Solver
from gateway.planner.streams import streams_that_stay, with_later_items
from gateway.query_graph.model import QueryGraph

# Each round asks for more, so they end; a handful of contexts that need each other take a handful.
_MOST_ROUNDS = 20


def plan_operation(
    graph: QueryGraph, operation: Operation, budget: Budget | None = None, asks_again: bool = False
) -> QueryPlan:
    """The plan of the operation. asks_again: by key for what a subgraph has told before, too."""
    steps = fetch_steps(graph, operation, budget)
    # What changes between two requests, or comes in several goes, is not known again.
    if operation.kind == "query" and not (asks_again or operation.deferred or operation.streams):
        steps = [know_again(step) for step in steps]
    first = [[fetch for fetch in step if not fetch.part] for step in steps] if operation.deferred else steps
    later = sorted((fetch for step in steps for fetch in step if fetch.part), key=lambda fetch: sorted(fetch.part))
    made = _made([*(fetch for step in first for fetch in step), *later], operation)
    node = _node(first, made, operation) if any(first) else None
    shape = shape_of(graph.supergraph.api_schema, operation)
    streams = streams_that_stay(operation.streams, shape, node)
    parts = with_later_items(_parts(later, made), streams, shape, node)
    return QueryPlan(
        kind=operation.kind,
        node=node,
        shape=shape,
        root_keys=operation.root_keys,
        introspection=operation.introspection,
        deferral=Deferral(operation.deferred, parts, streams) if operation.deferred or streams else None,
    )


def solve_operation(graph: QueryGraph, operation: Operation, budget: Budget | None = None) -> list[PlacePlan]:
    """The solution of the root, for a mutation one of each field: they run one after the other."""
    return [plan for plan, _ in _emitted(graph, operation, budget or Budget())]


def _emitted(graph: QueryGraph, operation: Operation, budget: Budget) -> list[tuple[PlacePlan, list[FetchDraft]]]:
    """Solutions with their fetches, once all that contexts read above is asked for, too."""
    contexts = Contexts(graph, operation)
    for _ in range(_MOST_ROUNDS):
        contexts.begin()
        whole = contexts.operation()
        keys = ResponseKeys(graph, whole.fields)
        parts: list[tuple[PlacePlan, list[FetchDraft]]] = []
        for plan in _solved(graph, whole, budget):
            emission = Emission(graph, operation.kind, contexts)
            emission.root(plan, keys)
            parts.append((plan, emission.fetches))
        if contexts.is_complete:
            contexts.connect()
            return parts
    raise PlanTooComplex(f"{_MOST_ROUNDS} rounds for the contexts that its fields use")


def _solved(graph: QueryGraph, operation: Operation, budget: Budget) -> list[PlacePlan]:
    solver = Solver(graph, budget, defers=bool(operation.deferred))
    plans = []
    for fields in _serial_parts(operation):
        wanted = tuple(field for field in fields if field.name != "__typename")
        if not wanted:
            continue
        try:
            plan = solver.root(operation.root_type, wanted, splits=operation.kind == "query")
        except RecursionError:
            raise PlanTooComplex("the depth of nesting that can be planned") from None
        if plan.leftover:
            raise Unreachable(list(_names(operation.root_type, plan.leftover)))
        plans.append(plan)
    return plans


def fetch_steps(graph: QueryGraph, operation: Operation, budget: Budget | None = None) -> list[list[FetchDraft]]:
    """The fetches, merged; one list for each part that has to wait for the part before it."""
    steps = [merge_siblings(fetches) for _, fetches in _emitted(graph, operation, budget or Budget())]
    return [drop_repeated(step) for step in join_mutations(steps)]


def _serial_parts(operation: Operation) -> Iterable[tuple[Field, ...]]:
    if operation.kind == "mutation":
        # One by one: the GraphQL spec, 6.2.2, promises clients this order.
        return [(field,) for field in _at_their_places(operation.fields)]
    return [operation.fields]


def _at_their_places(fields: tuple[Field, ...]) -> list[Field]:
    """Each field at every place where its turn may come; it runs at the first of which the conditions hold."""
    placed: list[tuple[int, Field]] = []
    for field in fields:
        before = NEVER
        for number, conditions in field.places:
            placed.append((number, replace(field, conditions=both(conditions, negated(before)))))
            before = either(before, conditions)
    return [field for _, field in sorted(placed, key=lambda each: each[0])]


def _made(drafts: list[FetchDraft], operation: Operation) -> dict[FetchDraft, Fetch]:
    variables = {variable.name: variable.definition for variable in operation.variables}
    with_contexts = any(group.contexts for draft in drafts for group in draft.groups)
    return {draft: fetch_of(draft, number, variables, with_contexts) for number, draft in enumerate(drafts)}


def _node(steps: list[list[FetchDraft]], made: Mapping[FetchDraft, Fetch], operation: Operation) -> Node:
    if operation.kind == "subscription":
        return _subscribe(steps[0], made)
    return in_sequence([ordered(step, made) for step in steps if step])


def _parts(fetches: list[FetchDraft], made: Mapping[FetchDraft, Fetch]) -> tuple[DeferredPart, ...]:
    """What each deferred part fetches, in the order of its fragments."""
    by_part: dict[Part, list[FetchDraft]] = {}
    for fetch in fetches:
        by_part.setdefault(fetch.part, []).append(fetch)
    return tuple(
        DeferredPart(part, ordered(by_part[part], made), tuple(sorted(_needed(by_part[part]), key=sorted)))
        for part in sorted(by_part, key=sorted)
    )


def _needed(fetches: list[FetchDraft]) -> set[Part]:
    """The other parts whose fetches must have come before."""
    return {need.part for fetch in fetches for need in fetch.needs} - {FIRST, fetches[0].part}


def _subscribe(fetches: list[FetchDraft], made: Mapping[FetchDraft, Fetch]) -> Node:
    primary = next(fetch for fetch in fetches if fetch.root is not None)
    rest = [fetch for fetch in fetches if fetch is not primary]
    return Subscribe(made[primary], ordered(rest, made) if rest else None)


def _names(parent: str, fields: tuple[Field, ...]) -> Iterable[str]:
    for field in fields:
        if field.selections:
            yield from _names(field.type_name, field.selections)
        else:
            yield f"{parent}.{field.name}"
