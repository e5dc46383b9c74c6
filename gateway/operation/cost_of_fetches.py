"""What a plan asks of each subgraph, as formulas of the operation's variables.

In: a plan. Out: for each subgraph its requests' costs, each as often as there may be objects that it is about. How many
that may be follows from the lists on the way to them, which the requests before have brought.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from graphql import (
    BooleanValueNode,
    FieldNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    parse,
)
from msgspec import Struct

from gateway.operation.cost_formula import Branch, Cost, FormulaWriter, Length, Variables, operation_cost, total
from gateway.plan.nodes import Condition, Fetch, Node, Parallel, Sequence, SubgraphName, Subscribe
from gateway.plan.query_plan import QueryPlan
from gateway.plan.shape import Toggle
from gateway.supergraph.model import Supergraph

Keys = tuple[str, ...]
Lengths = tuple[Length, ...]


class _Asked(Struct, frozen=True):
    """Costs that come once for each of the objects that these lengths multiply to."""

    times: Lengths
    costs: tuple[Cost, ...]
    each: int = 0


FetchCosts = Mapping[SubgraphName, list[_Asked]]


def fetch_costs(supergraph: Supergraph, writer: FormulaWriter, plan: QueryPlan) -> FetchCosts:
    """The costs of the whole plan, deferred parts too."""
    work = _Work(supergraph, writer)
    nodes = [plan.node] if plan.node is not None else []
    nodes += [part.node for part in plan.deferral.parts if part.node is not plan.node] if plan.deferral else []
    for node in nodes:
        for fetch in _fetches_in(node):
            work.add(fetch)
    return work.found


def fetch_totals(costs: FetchCosts, variables: Variables) -> dict[str, int]:
    return {str(subgraph): sum(_value(each, variables) for each in asked) for subgraph, asked in costs.items()}


def _value(asked: _Asked, variables: Variables) -> int:
    value = asked.each + total(asked.costs, variables, strict=False)
    for length in asked.times:
        value *= length if isinstance(length, int) else length.length(variables, strict=False)
    return value


class _Work:
    def __init__(self, supergraph: Supergraph, writer: FormulaWriter) -> None:
        self.supergraph = supergraph
        self.writer = writer
        self._times: dict[Keys, Lengths] = {(): ()}
        self.found: dict[SubgraphName, list[_Asked]] = {}

    def add(self, fetch: Fetch) -> None:
        definition = parse(fetch.document, no_location=True).definitions[0]
        assert isinstance(definition, OperationDefinitionNode)
        asked = self.found.setdefault(fetch.subgraph, [])
        fields = definition.selection_set.selections
        places = {each.alias: tuple(step.key for step in each.path) for each in fetch.inputs}
        if not places or "" in places:
            base = places.get("", ())
            renames = {(*(step.key for step in each.path), each.key): each.name for each in fetch.renames}
            root = self.supergraph.roots[fetch.kind]
            costs = _Costs(self, fetch, base, renames).of(root, definition.selection_set, base, {})
            asked.append(_Asked(self.times(base), costs, operation_cost(fetch.kind)))
            return
        for field in fields:
            assert isinstance(field, FieldNode)
            alias = (field.alias or field.name).value
            if alias in places and field.selection_set is not None:
                base = places[alias]
                renames = {(*(step.key for step in each.path), each.key): each.name for each in fetch.renames}
                costs = _Costs(self, fetch, base, renames).of("", field.selection_set, base, {})
                names = [part.type_condition.name.value for part in _parts(field.selection_set) if part.type_condition]
                each = max((self.writer.weight((), "", name) for name in names), default=1)
                asked.append(_Asked(self.times(base), costs, each))

    def note(self, place: Keys, times: Lengths) -> None:
        self._times.setdefault(place, times)

    def definition(self, parent: str, name: str) -> GraphQLField | None:
        """The field as clients see it, if they do."""
        named = self.supergraph.api_schema.type_map.get(parent)
        is_known = isinstance(named, GraphQLObjectType | GraphQLInterfaceType)
        return named.fields.get(name) if is_known else None  # type: ignore[union-attr]

    def times(self, place: Keys) -> Lengths:
        """The lists on the way to a place."""
        while place not in self._times:
            place = place[:-1]
        return self._times[place]


class _Costs:
    """The selections of one fetch, which merge into the answer at `base`."""

    def __init__(self, work: _Work, fetch: Fetch, base: Keys, renames: Mapping[Keys, str]) -> None:
        self._work = work
        self._types = work.supergraph.types[fetch.subgraph]
        self._base = base
        self._renames = renames

    def of(
        self, parent: str, selections: SelectionSetNode, place: Keys, sized: Mapping[str, Length]
    ) -> tuple[Cost, ...]:
        found: list[Cost] = []
        for node in selections.selections:
            when = _when(node)
            if isinstance(node, InlineFragmentNode):
                inner = node.type_condition.name.value if node.type_condition else parent
                below = self.of(inner, node.selection_set, place, sized)
                found += [_also_when(each, when) for each in below]
            elif isinstance(node, FieldNode) and not node.name.value.startswith("__"):
                found.append(_also_when(self._field(parent, node, place, sized), when))
        return tuple(found)

    def _field(self, parent: str, node: FieldNode, place: Keys, sized: Mapping[str, Length]) -> Cost:
        work, name = self._work, node.name.value
        declared = self._types[parent].fields.get(name) if parent in self._types else None
        result = declared.type_name if declared else ""
        key = (node.alias or node.name).value
        below = (*place, self._renames.get((*place[len(self._base) :], key), key))
        is_list = bool(declared and declared.type_text.startswith("["))
        length, inner = work.writer.lengths([parent], name, work.definition(parent, name), node, sized, is_list)
        work.note(below, (*work.times(place), *([length] if is_list else [])))
        costs = self.of(result, node.selection_set, below, inner) if node.selection_set else ()
        return Cost(key, (Branch(work.writer.weight([parent], name, result), costs),), length)


def _parts(selections: SelectionSetNode) -> list[InlineFragmentNode]:
    return [each for each in selections.selections if isinstance(each, InlineFragmentNode)]


def _when(node: SelectionNode) -> tuple[tuple[tuple[Toggle, ...], ...], ...]:
    found: list[tuple[tuple[Toggle, ...], ...]] = []
    for directive in node.directives or ():
        for argument in directive.arguments or ():
            if directive.name.value in ("include", "skip") and isinstance(argument.value, VariableNode):
                found.append(((Toggle(argument.value.name.value, directive.name.value == "include"),),))
            elif directive.name.value in ("include", "skip") and isinstance(argument.value, BooleanValueNode):
                found += [] if argument.value.value == (directive.name.value == "include") else [()]
    return tuple(found)


def _also_when(cost: Cost, when: tuple[tuple[tuple[Toggle, ...], ...], ...]) -> Cost:
    if not when:
        return cost
    return msgspec.structs.replace(cost, when=(*cost.when, *when))


def _fetches_in(node: Node) -> Iterator[Fetch]:
    match node:
        case Fetch():
            yield node
        case Sequence(nodes) | Parallel(nodes):
            for each in nodes:
                yield from _fetches_in(each)
        case Condition(node=inner):
            yield from _fetches_in(inner)
        case Subscribe(primary, rest):
            yield primary
            if rest is not None:
                yield from _fetches_in(rest)
