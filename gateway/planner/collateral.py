"""Whether a client's field that fails may take along what the plan needs of the same value.

In: the query graph, a composite field as a client asks it, and as the plan needs it. Out: yes or no. In one schema a
`@requires` never sees what the client asks beside it; where both were asked under one key, the null of a client's
field that may not be null would go up to the object that they share. Fields of keys are trusted: what fails to say
its key is not to be found anyway, and clients ask for `id` everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.operation.model import Field
from gateway.planner.place import provided_at
from gateway.query_graph.model import Edge, QueryGraph, TypeNode
from gateway.supergraph.field_set import FieldSelection


def takes_along(graph: QueryGraph, asked: Field, needed: Field) -> bool:
    """Whether some subgraph that gives the value may null an object in it for the client's fields alone."""
    return any(_spoils(graph, edge, node, asked.selections, needed.selections) for edge, node in _values(graph, asked))


def _values(graph: QueryGraph, field: Field) -> Iterator[tuple[Edge, TypeNode]]:
    """The ways in which subgraphs give a field of this name with objects of this type."""
    wanted = graph.supergraph.possible.get(field.type_name, frozenset((field.type_name,)))
    for types in graph.nodes.values():
        edges = (node.edges.get(field.name) for node in types.values())
        found = {(edge.type_name, edge.provides): edge for edge in edges if edge is not None and edge.local}
        for edge in found.values():
            node = types.get(edge.type_name)
            if node is not None and (node.name == field.type_name or node.possible & wanted):
                yield edge, node


def _spoils(
    graph: QueryGraph, above: Edge, node: TypeNode, asked: tuple[Field, ...], needed: tuple[Field, ...]
) -> bool:
    """Whether a failure below the value, one that the plan's own fields would not have, leaves nothing of an object."""
    for field in asked:
        same = next((each for each in needed if _holds_for(each, field)), None)
        for edge in _edges(graph, above, node, field):
            if not edge.type_text.endswith("!"):
                continue
            if same is None:
                return True
            inner = graph.nodes[node.subgraph].get(edge.type_name) if _passes_nulls(edge.type_text) else None
            if inner is not None and _spoils(graph, edge, inner, field.selections, same.selections):
                return True
    return False


def _edges(graph: QueryGraph, above: Edge, node: TypeNode, field: Field) -> Iterator[Edge]:
    """How the subgraph gives the field together with the value above it."""
    types = graph.nodes[node.subgraph]
    for concrete in (node, *(types[name] for name in sorted(node.possible) if name in types)):
        edge = concrete.edges.get(field.name)
        if edge is None or edge.requires or edge.contexts or (field.types and concrete.name not in field.types):
            continue
        if not field.selections and _is_in_key(concrete, field):
            continue
        if edge.local or provided_at(graph, above.provides, field.name, concrete)[0]:
            yield edge


def _is_in_key(node: TypeNode, field: Field) -> bool:
    return any(isinstance(part, FieldSelection) and part.name == field.name for key in node.keys for part in key)


def _passes_nulls(type_text: str) -> bool:
    """Whether neither the value nor an item of it may be null."""
    return type_text.count("!") == type_text.count("]") + 1


def _holds_for(needed: Field, field: Field) -> bool:
    """Whether the plan needs the field, too, wherever the client asks it."""
    if (needed.name, needed.arguments) != (field.name, field.arguments):
        return False
    return needed.types is None or (field.types is not None and field.types <= needed.types)
