"""The query graph as values: what can be resolved where, and how one gets there.

In: nothing. Out: frozen values, made by `build.py`, walked by the planner. A node is a type in a subgraph. From a
node one moves along a field, or enters another subgraph by a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.plan.nodes import SubgraphName
from gateway.query_graph.demands import Demands
from gateway.supergraph.field_set import FieldSet
from gateway.supergraph.model import ContextArgument, Supergraph, TypeKind


@dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """A field that a subgraph declares on a type.

    local: the subgraph resolves it for any object it has (with `requires`: for any object it is given them for).
    contexts: arguments that are filled from objects above, which takes a visit that was entered by a key.
    """

    name: str
    type_name: str
    type_text: str
    local: bool
    requires: FieldSet
    provides: FieldSet
    contexts: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class TypeNode:
    """A type in one subgraph. `keys` are the resolvable ones."""

    subgraph: SubgraphName
    name: str
    kind: TypeKind
    edges: Mapping[str, Edge]
    keys: tuple[FieldSet, ...]
    possible: frozenset[str]
    is_interface_object: bool


@dataclass(frozen=True, eq=False, slots=True)
class Resolver:
    """A way to a field of a type: enter `node.subgraph` by one of the keys as `node.name`, then take the edge."""

    node: TypeNode
    edge: Edge
    keys: tuple[FieldSet, ...]


@dataclass(frozen=True, eq=False, slots=True)
class QueryGraph:
    """All nodes, and for each type and field the ways to it, in order of subgraph names.

    typed_entries: for each interface, the nodes where it is an entity interface that knows its concrete types.
    demands: the field sets of keys and @requires as fields.
    """

    supergraph: Supergraph
    nodes: Mapping[SubgraphName, Mapping[str, TypeNode]]
    resolvers: Mapping[str, Mapping[str, tuple[Resolver, ...]]]
    typed_entries: Mapping[str, tuple[TypeNode, ...]]
    demands: Demands
