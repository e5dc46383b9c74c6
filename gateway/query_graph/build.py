"""Build the query graph of a supergraph.

In: the supergraph and the override labels that are on. Out: `QueryGraph`. It decides once, for every field of every
subgraph, whether the subgraph resolves it; the planner only walks.
"""

from __future__ import annotations

from gateway.plan.nodes import SubgraphName
from gateway.query_graph.demands import Demands
from gateway.query_graph.model import Edge, QueryGraph, Resolver, TypeNode
from gateway.supergraph.field_set import FieldSet
from gateway.supergraph.model import SubgraphField, SubgraphType, Supergraph, TypeKind

Labels = frozenset[str]


def build_query_graph(supergraph: Supergraph, labels: Labels = frozenset()) -> QueryGraph:
    """The graph, with labelled overrides taken for those labels only."""
    nodes: dict[SubgraphName, dict[str, TypeNode]] = {}
    for subgraph in supergraph.subgraphs:
        types = supergraph.types[subgraph]
        nodes[subgraph] = {
            name: _node(supergraph, subgraph, declared, labels)
            for name, declared in types.items()
            if declared.kind is not TypeKind.LEAF
        }
    return QueryGraph(supergraph, nodes, _resolvers(supergraph, nodes), _typed_entries(nodes), Demands(supergraph))


def _node(supergraph: Supergraph, subgraph: SubgraphName, declared: SubgraphType, labels: Labels) -> TypeNode:
    taken = _taken_over(supergraph, subgraph, declared.name, labels)
    edges: dict[str, Edge] = {}
    for field in declared.fields.values():
        if field.name not in taken:
            edges[field.name] = _edge(field, labels)
        elif field.external or field.overridden:
            edges[field.name] = Edge(field.name, field.type_name, field.type_text, False, (), field.provides)
    keys = tuple(key.fields for key in declared.keys if key.resolvable)
    return TypeNode(
        subgraph, declared.name, declared.kind, edges, keys, declared.possible, declared.is_interface_object
    )


def _edge(field: SubgraphField, labels: Labels) -> Edge:
    local = not field.external and not field.overridden
    label = field.override.label if field.override else None
    if label is not None and label not in labels:
        local = False
    return Edge(field.name, field.type_name, field.type_text, local, field.requires, field.provides, field.contexts)


def _taken_over(supergraph: Supergraph, subgraph: SubgraphName, type_name: str, labels: Labels) -> frozenset[str]:
    """Fields of the type that a labelled override, which is on, takes from this subgraph."""
    found: set[str] = set()
    for types in supergraph.types.values():
        other = types.get(type_name)
        for field in other.fields.values() if other else ():
            override = field.override
            if override and override.source == subgraph and override.label in labels:
                found.add(field.name)
    return frozenset(found)


def _resolvers(
    supergraph: Supergraph, nodes: dict[SubgraphName, dict[str, TypeNode]]
) -> dict[str, dict[str, tuple[Resolver, ...]]]:
    roots = set(supergraph.roots.values())
    found: dict[str, dict[str, list[Resolver]]] = {}
    for subgraph in sorted(nodes):
        for node in nodes[subgraph].values():
            if node.name in roots and node.kind is TypeKind.OBJECT:
                # A root is entered from nowhere: its key is empty.
                _add(found, node.name, node, ((),))
            elif not node.keys:
                continue
            elif node.is_interface_object:
                # What an interface object resolves, it resolves for every concrete type of the interface.
                for concrete in sorted({node.name, *supergraph.possible.get(node.name, ())}):
                    _add(found, concrete, node, node.keys)
            elif node.kind is TypeKind.OBJECT:
                _add(found, node.name, node, node.keys)
    return {name: {field: tuple(ways) for field, ways in fields.items()} for name, fields in found.items()}


def _add(
    found: dict[str, dict[str, list[Resolver]]], type_name: str, node: TypeNode, keys: tuple[FieldSet, ...]
) -> None:
    fields = found.setdefault(type_name, {})
    for edge in node.edges.values():
        if edge.local:
            fields.setdefault(edge.name, []).append(Resolver(node, edge, keys))


def _typed_entries(nodes: dict[SubgraphName, dict[str, TypeNode]]) -> dict[str, tuple[TypeNode, ...]]:
    found: dict[str, list[TypeNode]] = {}
    for subgraph in sorted(nodes):
        for node in nodes[subgraph].values():
            if node.kind is TypeKind.INTERFACE and node.keys and not node.is_interface_object:
                found.setdefault(node.name, []).append(node)
    return {name: tuple(entries) for name, entries in found.items()}
