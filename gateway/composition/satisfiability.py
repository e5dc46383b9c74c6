"""Can every field that a client may ask for be fetched, on every path that leads to it?

In: the composed supergraph, and what it was made from. Out: SATISFIABILITY_ERROR for each field on a path where it
cannot. It walks the planner's own query graph. A state of the walk is a concrete type and the positions that its object
may have been fetched at; what can be reached from there by keys is found by adding subgraphs until no more is added. A
state with more positions than one that was walked before has nothing new to say, so the walk ends however the schema
circles.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.composition.merged import Merged
from gateway.composition.problems import Place, Report
from gateway.composition.reachability import NO_CONTEXTS, Contexts, Held, Position, Reachability
from gateway.query_graph.build import build_query_graph
from gateway.query_graph.model import QueryGraph, TypeNode
from gateway.supergraph.model import Supergraph

MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One field on the way, asked of objects of the concrete type; `on` is the type that the query names before it."""

    name: str
    concrete: str
    declared: str


@dataclass(frozen=True, slots=True)
class State:
    """An object of the concrete type that may be at any of the positions; `contexts`: what objects above can fill."""

    type_name: str
    positions: frozenset[Position]
    contexts: Contexts
    path: tuple[Step, ...] = field(compare=False)


def check_satisfiable(supergraph: Supergraph, merged: Merged, report: Report) -> None:
    """Walk everything that can be asked, without overrides by label and with all of them."""
    labels = frozenset(
        each.override.label
        for types in supergraph.types.values()
        for declared in types.values()
        for each in declared.fields.values()
        if each.override is not None and each.override.label is not None
    )
    for on in dict.fromkeys((frozenset[str](), labels)):
        before = len(report.problems)
        _Walk(build_query_graph(supergraph, on), merged, report).all()
        if len(report.problems) > before:
            return


class _Walk:
    def __init__(self, graph: QueryGraph, merged: Merged, report: Report) -> None:
        self.graph = graph
        self.merged = merged
        self.report = report
        self.reach = Reachability(graph)
        self.walked: dict[str, list[State]] = {}
        self.failed: set[tuple[str, str]] = set()

    def all(self) -> None:
        waiting: deque[State] = deque()
        for kind, root in self.graph.supergraph.roots.items():
            nodes = [types[root] for types in self.graph.nodes.values() if root in types]
            if nodes:
                positions = frozenset(Position(node, ()) for node in nodes)
                waiting.append(State(root, positions, NO_CONTEXTS, (Step(kind, root, root),)))
        while waiting and len(self.failed) < MOST_PROBLEMS:
            state = waiting.popleft()
            if self._is_new(state):
                waiting.extend(self._next(state))

    def _is_new(self, state: State) -> bool:
        known = self.walked.setdefault(state.type_name, [])
        if any(each.positions <= state.positions and each.contexts <= state.contexts for each in known):
            return False
        known.append(state)
        return True

    def _next(self, state: State) -> Iterator[State]:
        held = self.reach.from_positions(state.type_name, state.positions)
        contexts = held.contexts_below(state.contexts)
        for name in self.reach.fields_of(state.type_name):
            landed = held.positions_of(name, state.contexts)
            if landed is None:
                self._refuse(state, name, held)
                continue
            for concrete, positions in self.reach.apart(landed).items():
                declared = landed[0].node.name if landed else concrete
                step = Step(name, concrete, declared)
                yield State(concrete, positions, contexts, (*state.path, step))

    def _refuse(self, state: State, name: str, held: Held) -> None:
        if (state.type_name, name) in self.failed:
            return
        self.failed.add((state.type_name, name))
        query = _query(state.path, state.type_name, name)
        reasons = "\n".join(f"- {reason}" for reason in self._reasons(state.type_name, name, held))
        message = f"This query cannot be answered:\n{query}\nbecause:\n{reasons}"
        self.report.problem("SATISFIABILITY_ERROR", message, *self._places(state.type_name, name))

    def _places(self, type_name: str, name: str) -> list[Place]:
        """Where those that have the field declare it, or the interface object that has."""
        for each in (type_name, *self.merged.types[type_name].interfaces):
            field = self.merged.types[each].fields.get(name)
            if field is not None and field.by:
                return self.merged.places(field.by)
        return []

    def _reasons(self, type_name: str, name: str, held: Held) -> Iterator[str]:
        for node in held.nodes():
            edge = node.edges.get(name)
            if edge is not None and edge.local and edge.contexts:
                yield f'subgraph "{node.subgraph}" takes arguments of "{type_name}.{name}" from a context not set here'
            elif edge is not None and edge.local and edge.requires:
                yield f'subgraph "{node.subgraph}" cannot be given what "{type_name}.{name}" requires'
            else:
                yield f'subgraph "{node.subgraph}" does not resolve "{type_name}.{name}"'
        here = {node.subgraph for node in held.nodes()}
        for node in self._owners(type_name, name):
            if node.subgraph not in here:
                yield f'one cannot go to subgraph "{node.subgraph}", which does: {_why_not(node)}'

    def _owners(self, type_name: str, name: str) -> Iterator[TypeNode]:
        for types in self.graph.nodes.values():
            node = types.get(type_name)
            if node is not None and name in node.edges and node.edges[name].local:
                yield node


def _why_not(node: TypeNode) -> str:
    if not node.keys:
        return f'"{node.name}" has no resolvable @key there'
    return f'no @key of "{node.name}" there can be given from what is fetched before'


def _query(path: tuple[Step, ...], type_name: str, name: str) -> str:
    """The shortest query that shows the problem."""
    root, *steps = path
    lines = [f"{root.name} {{"]
    for step in steps:
        lines.append("  " * len(lines) + step.name + " {")
        if step.concrete != step.declared:
            lines.append("  " * len(lines) + f"... on {step.concrete} {{")
    inner = "  " * len(lines)
    closing = ["  " * (depth - 1) + "}" for depth in range(len(lines), 0, -1)]
    return "\n".join([*lines, inner + name, *closing])
