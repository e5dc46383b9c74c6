"""From where an object was fetched, which subgraphs can be asked about it, and for which fields?

In: the query graph; a concrete type and the positions that its object is at. Out: `Held`, the nodes that can be asked.
It grows by keys and by @requires until nothing is added: what is asked for a key may itself need another subgraph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.planner.place import provided_at
from gateway.query_graph.model import Edge, QueryGraph, TypeNode
from gateway.supergraph.field_set import FieldSelection, FieldSet
from gateway.supergraph.model import ContextArgument, TypeKind

Contexts = frozenset[ContextArgument]
NO_CONTEXTS: Contexts = frozenset()


@dataclass(frozen=True, slots=True)
class Position:
    """An object at a node, with what a @provides on the way gives of it."""

    node: TypeNode
    provided: FieldSet


class Reachability:
    """Answers about one query graph, remembered."""

    def __init__(self, graph: QueryGraph) -> None:
        self.graph = graph
        self.known: dict[tuple[str, frozenset[Position]], Held] = {}
        self.entries: dict[str, dict[TypeNode, tuple[FieldSet, ...]]] = {
            type_name: {way.node: way.keys for ways in fields.values() for way in ways}
            for type_name, fields in graph.resolvers.items()
        }
        self._fields: dict[str, tuple[str, ...]] = {}
        self.takers: Contexts = frozenset(
            argument
            for types in graph.nodes.values()
            for node in types.values()
            for edge in node.edges.values()
            for argument in edge.contexts
        )
        self._telling: set[tuple[str, frozenset[Position]]] = set()

    def from_positions(self, type_name: str, positions: frozenset[Position]) -> Held:
        """What can be asked about an object of the concrete type."""
        key = (type_name, positions)
        found = self.known.get(key)
        if found is None:
            # Remembered before it has grown: a key that circles back sees what is there so far, never too much.
            found = self.known[key] = Held(self, type_name, sorted(positions, key=lambda each: each.node.subgraph))
            found.grow()
        return found

    def fields_of(self, type_name: str) -> tuple[str, ...]:
        """Every field that objects of the type have anywhere; for an interface object's interface, those it
        resolves."""
        if type_name not in self._fields:
            interfaces = self.graph.supergraph.interfaces.get(type_name, frozenset())
            self._fields[type_name] = tuple(
                sorted(
                    {
                        edge.name
                        for types in self.graph.nodes.values()
                        for node in (types[name] for name in (type_name, *interfaces) if name in types)
                        if node.is_interface_object or node.kind is TypeKind.OBJECT
                        for edge in node.edges.values()
                        if edge.local
                    }
                )
            )
        return self._fields[type_name]

    def apart(self, landed: Iterable[Position]) -> dict[str, frozenset[Position]]:
        """Positions of a field's value, by the concrete types that it may have; leaves have none.

        Where an interface object may be, the interface itself is one of them: its own fields need no concrete type, and
        the concrete types begin in the subgraphs that can tell which of them it is.
        """
        found: dict[str, set[Position]] = {}
        for position in landed:
            node = position.node
            if node.is_interface_object:
                found.setdefault(node.name, set()).add(position)
                continue
            for concrete in sorted(node.possible):
                own = self.graph.nodes[node.subgraph].get(concrete)
                if own is not None:
                    found.setdefault(concrete, set()).add(Position(own, position.provided))
        for name in [name for name in found if any(each.node.is_interface_object for each in found[name])]:
            for concrete, positions in self.told_apart(name, frozenset(found[name])).items():
                found.setdefault(concrete, set()).update(positions)
        return {concrete: frozenset(positions) for concrete, positions in found.items()}

    def told_apart(self, interface: str, positions: frozenset[Position]) -> dict[str, set[Position]]:
        """Each concrete type of an interface object, in the subgraphs that can be entered to learn it."""
        held = self.from_positions(interface, positions)
        found: dict[str, set[Position]] = {
            concrete: set()
            for concrete in self.graph.supergraph.possible.get(interface, frozenset())
            if concrete != interface
        }
        question = (interface, positions)
        if question in self._telling:
            return found
        self._telling.add(question)
        for entry in self.graph.typed_entries.get(interface, ()):
            if any(held.gives(key) for key in entry.keys):
                for concrete in entry.possible:
                    found.setdefault(concrete, set()).add(Position(self.graph.nodes[entry.subgraph][concrete], ()))
        self._telling.discard(question)
        return found

    def give(self, landed: Iterable[Position], wanted: FieldSet, contexts: Contexts) -> bool:
        """Whether the field set can be fetched of whatever object there is at the positions."""
        apart = self.apart(landed)
        interfaces = [name for name, each in apart.items() if any(one.node.is_interface_object for one in each)]
        if any(self.from_positions(name, apart[name]).gives(wanted, contexts) for name in interfaces):
            return True
        return all(
            self.from_positions(name, positions).gives(wanted, contexts)
            for name, positions in apart.items()
            if name not in interfaces
        )


class Held:
    """The nodes that can be asked about one object."""

    def __init__(self, reach: Reachability, type_name: str, positions: Iterable[Position]) -> None:
        self.reach = reach
        self.type_name = type_name
        self.at: list[Position] = list(positions)
        self.asking: set[tuple[TypeNode, str]] = set()
        self.setting: set[ContextArgument] = set()

    def nodes(self) -> Iterator[TypeNode]:
        """Each node once."""
        return iter(dict.fromkeys(position.node for position in self.at))

    def grow(self) -> None:
        """Add nodes until no more can be entered."""
        added = True
        while added:
            added = False
            present = set(self.nodes())
            for node, keys in self.reach.entries.get(self.type_name, {}).items():
                if node not in present and any(self.gives(key) for key in keys):
                    self.at.append(Position(node, ()))
                    present.add(node)
                    added = True

    def positions_of(self, name: str, contexts: Contexts = NO_CONTEXTS) -> list[Position] | None:
        """Where the field's value may be fetched at; None when it cannot be fetched. Leaves have no positions.

        contexts: the arguments that objects above can fill.
        """
        found: list[Position] = []
        is_given = False
        for position in self.at:
            given, inner = provided_at(self.reach.graph, position.provided, name, position.node)
            edge = position.node.edges.get(name)
            if edge is None or not (given or self._resolves(position.node, edge, contexts)):
                continue
            is_given = True
            result = self.reach.graph.nodes[position.node.subgraph].get(edge.type_name)
            if result is not None and result.kind is not TypeKind.LEAF:
                found.append(Position(result, (*edge.provides, *inner)))
        if not is_given and any(each.node.is_interface_object and each.node.name == self.type_name for each in self.at):
            return self._of_each_type(name, contexts)
        return found if is_given else None

    def _of_each_type(self, name: str, contexts: Contexts) -> list[Position] | None:
        """The field of an interface object, by way of the subgraphs that know its concrete types."""
        held = [
            self.reach.from_positions(concrete, frozenset(positions))
            for concrete, positions in self.reach.told_apart(self.type_name, frozenset(self.at)).items()
        ]
        landed = [each.positions_of(name, contexts) for each in held]
        if any(positions is None for positions in landed):
            return None
        return [position for positions in landed for position in positions or ()]

    def _resolves(self, node: TypeNode, edge: Edge, contexts: Contexts) -> bool:
        if not edge.local or not contexts.issuperset(edge.contexts):
            return False
        if not edge.requires and not edge.contexts:
            return True
        question = (node, edge.name)
        if question in self.asking:
            return False
        self.asking.add(question)
        try:
            # What it takes is brought along, so its subgraph is entered by a key, even by one who was there.
            return any(self.gives(key) for key in node.keys) and self.gives(edge.requires, contexts)
        finally:
            self.asking.discard(question)

    def gives(self, wanted: FieldSet, contexts: Contexts = NO_CONTEXTS) -> bool:
        """Whether all of the field set can be fetched."""
        return all(self._gives_one(selection, contexts) for selection in wanted)

    def _gives_one(self, selection: object, contexts: Contexts) -> bool:
        if not isinstance(selection, FieldSelection):
            condition = getattr(selection, "type_condition", None)
            possible = self.reach.graph.supergraph.possible.get(condition or "", frozenset((condition,)))
            applies = condition is None or self.type_name in possible
            return not applies or self.gives(getattr(selection, "selections", ()), contexts)
        if selection.name == "__typename":
            return True
        landed = self.positions_of(selection.name, contexts)
        if landed is None:
            return False
        if not selection.selections:
            return True
        return self.reach.give(landed, selection.selections, self.contexts_below(contexts))

    def contexts_below(self, contexts: Contexts) -> Contexts:
        """What can be given to objects below this one: of the objects that set a context, the nearest decides."""
        setters = self.reach.graph.supergraph.contexts
        here = [each for each in self.reach.takers if self.type_name in setters.get(each.context, frozenset())]
        return contexts.difference(here) | {each for each in here if self._sets(each)}

    def _sets(self, argument: ContextArgument) -> bool:
        if argument in self.setting:
            return False
        self.setting.add(argument)
        try:
            return self.gives(argument.selection)
        finally:
            self.setting.discard(argument)
