"""Every stage of planning as text, for people: what became of an operation on its way to a plan.

In: a supergraph's and an operation's text. Out: text. Refuses what the stages refuse. An operation that defers is shown
for known values of its conditions' variables: those given, and true for all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from graphql import parse

from gateway.compiled.documents import possible_in
from gateway.compiled.positions import NotCompilable
from gateway.compiled.program import Program
from gateway.compiled.switches import switches_of
from gateway.operation.conditions import Conditions, in_order
from gateway.operation.deferring import Deferring, may_come_in_pieces, switches_in
from gateway.operation.model import Field, Operation
from gateway.operation.prepare import prepare
from gateway.plan.deferral import Part
from gateway.plan.render import render
from gateway.planner.fetch_graph import FetchDraft, stages_of
from gateway.planner.plan_operation import fetch_steps, plan_operation, solve_operation
from gateway.planner.solution import Placed, PlacePlan, Solution
from gateway.query_graph.build import build_query_graph
from gateway.query_graph.model import QueryGraph
from gateway.settings import Limits
from gateway.streams.selection import with_delivery
from gateway.supergraph.read import read_supergraph

INDENT = "  "


def stage_text(
    stage: str,
    supergraph_text: str,
    operation_text: str,
    operation_name: str | None = None,
    variables: Mapping[str, object] | None = None,
) -> str:
    """What the stage made of the operation (`graph` needs none)."""
    supergraph = read_supergraph(supergraph_text)
    graph = build_query_graph(supergraph)
    if stage == "graph":
        return "\n".join(_graph_lines(graph))
    operation, _ = with_delivery(supergraph, prepare(supergraph, operation_text, operation_name))
    switches = switches_in(parse(operation_text, no_location=True)) if may_come_in_pieces(operation_text) else None
    if switches is not None:
        switched_on = frozenset(name for name in switches if (variables or {}).get(name, True))
        in_pieces = prepare(supergraph, operation_text, operation_name, Deferring(switched_on, Limits().max_defers))
        operation = in_pieces if in_pieces.deferred or in_pieces.streams else operation
    if stage == "program":
        return _program(graph, operation, variables or {})
    return STAGES[stage](graph, operation)


def _normalized(graph: QueryGraph, operation: Operation) -> str:
    return "\n".join([f"{operation.kind} {{", *_field_lines(operation.fields, INDENT), "}"])


def _field_lines(fields: tuple[Field, ...], indent: str) -> Iterator[str]:
    for field in fields:
        key = "" if field.key == field.name else f"{field.key}: "
        on = f" on {'|'.join(sorted(field.types))}" if field.types else ""
        part = f" in {_parts(field.part)}" if field.part else " streamed" if field.stream else ""
        line = f"{indent}{key}{field.name}{field.arguments}{on}{_when(field.conditions)}{part}"
        if field.selections:
            yield line + " {"
            yield from _field_lines(field.selections, indent + INDENT)
            yield indent + "}"
        else:
            yield line


def _parts(part: Part) -> str:
    return "deferred " + " and ".join(map(str, sorted(part)))


def _when(conditions: Conditions) -> str:
    alternatives = [
        " and ".join(("" if toggle.equals else "not ") + f"${toggle.variable}" for toggle in alternative)
        for alternative in in_order(conditions)
    ]
    return f" when {' or '.join(alternatives)}" if alternatives else ""


def _graph_lines(graph: QueryGraph) -> Iterator[str]:
    for subgraph, nodes in graph.nodes.items():
        yield f"{subgraph} {{"
        for node in sorted(nodes.values(), key=lambda node: node.name):
            kind = "interface object" if node.is_interface_object else node.kind.value
            yield f"{INDENT}{kind} {node.name}, {len(node.keys)} keys {{"
            for edge in sorted(node.edges.values(), key=lambda edge: edge.name):
                notes = [] if edge.local else ["external"]
                notes += ["requires"] if edge.requires else []
                notes += ["from context"] if edge.contexts else []
                notes += ["provides"] if edge.provides else []
                yield f"{INDENT * 2}{edge.name}: {edge.type_text}{' (' + ', '.join(notes) + ')' if notes else ''}"
            yield f"{INDENT}}}"
        yield "}"


def _paths(graph: QueryGraph, operation: Operation) -> str:
    lines: list[str] = []
    for plan in solve_operation(graph, operation):
        lines += _place_lines(plan, "", "")
    return "\n".join(lines)


def _place_lines(plan: PlacePlan, base: str, indent: str) -> Iterator[str]:
    for number, visit in enumerate(plan.visits):
        if visit.node is None:
            name = base
        else:
            inputs = " ".join(f"{field.name}{field.arguments}" for field in visit.inputs)
            feeds = ", ".join(map(str, sorted(visit.feeds)))
            name = f"enter {visit.node.subgraph} as {visit.node.name}"
            name += f" with {{ {inputs} }} from {feeds}" if visit.feeds else ""
            name += f" for {_parts(visit.part)}" if visit.part else ""
        yield f"{indent}{number}. {name}"
        for placed in visit.fields:
            yield from _placed_lines(placed, indent + INDENT)
        if visit.inner is not None:
            yield from _solution_lines(visit.inner, indent + INDENT)


def _placed_lines(placed: Placed, indent: str) -> Iterator[str]:
    field = placed.field
    key = field.key or "(needed)"
    yield f"{indent}{key if key == field.name else f'{key} {field.name}'}{field.arguments}"
    if placed.value is not None:
        yield from _solution_lines(placed.value, indent + INDENT)


def _solution_lines(solution: Solution, indent: str) -> Iterator[str]:
    for placed in solution.everywhere:
        yield from _placed_lines(placed, indent)
    for concrete, plan in solution.by_type:
        name = f"in {solution.node.subgraph} as {concrete or solution.node.name}"
        yield from _place_lines(plan, name, indent)


def _fetches(graph: QueryGraph, operation: Operation) -> str:
    lines: list[str] = []
    for step in fetch_steps(graph, operation):
        number_of = {fetch: number for number, fetch in enumerate(step)}
        stages = stages_of(step)
        for fetch in step:
            needs = ", ".join(map(str, sorted(number_of[need] for need in fetch.needs)))
            waits = f", after {needs}" if needs else ""
            part = f" of {_parts(fetch.part)}" if fetch.part else ""
            lines.append(f"{number_of[fetch]}. {fetch.subgraph}, stage {stages[fetch]}{part}{waits}: {_asks(fetch)}")
    return "\n".join(lines)


def _asks(fetch: FetchDraft) -> str:
    if fetch.root is not None:
        return " ".join(key for _, key in fetch.root.items)
    return "; ".join(
        f"{'|'.join(group.parts)} at {'.'.join(step.key for step in group.path)}" for group in fetch.groups
    )


def _plan(graph: QueryGraph, operation: Operation) -> str:
    return render(plan_operation(graph, operation))


def _program(graph: QueryGraph, operation: Operation, variables: Mapping[str, object]) -> str:
    plan = plan_operation(graph, operation)
    switches = {name: bool(variables.get(name, True)) for name in switches_of(plan)}
    try:
        return Program(plan, switches, possible_in(graph.supergraph.api_schema)).text.rstrip()
    except NotCompilable as reason:
        return f"# No program: {reason}. The generic executor runs this plan."


STAGES: Mapping[str, Callable[[QueryGraph, Operation], str]] = {
    "normalize": _normalized,
    "paths": _paths,
    "fetches": _fetches,
    "plan": _plan,
}
