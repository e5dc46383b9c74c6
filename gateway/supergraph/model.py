"""A read supergraph as values: the schema that clients see, and what each subgraph says of each type.

In: nothing. Out: frozen values, made by `read.py`, used by the query graph and by whoever serves the API schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from graphql import GraphQLSchema

from gateway.plan.nodes import OperationKind, SubgraphName
from gateway.supergraph.access import AccessRules
from gateway.supergraph.cost import CostRules
from gateway.supergraph.field_set import FieldSet


class TypeKind(StrEnum):
    """What a type is in one subgraph; `LEAF` is a scalar or an enum."""

    OBJECT = "object"
    INTERFACE = "interface"
    UNION = "union"
    LEAF = "leaf"


@dataclass(frozen=True, slots=True)
class Key:
    """One @key of a type in one subgraph. Not resolvable: objects cannot be entered by it."""

    fields: FieldSet
    resolvable: bool


@dataclass(frozen=True, slots=True)
class Override:
    """The field was taken over from the subgraph named `source`; with a label, only where the label is on."""

    source: str
    label: str | None


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """An argument that clients never see: the gateway fills it from the nearest object above that sets `context`.

    selection: what is read of that object; one leaf of it is left, or one for each type that it tells apart.
    """

    name: str
    type_text: str
    context: str
    selection: FieldSet


@dataclass(frozen=True, slots=True)
class SubgraphField:
    """A field as one subgraph declares it. `type_text` keeps its list and non-null marks.

    external: declared but resolved elsewhere, unless a @provides on the way says otherwise.
    overridden: another subgraph took it over; it is still declared because a key or @requires mentions it.
    """

    name: str
    type_name: str
    type_text: str
    external: bool = False
    overridden: bool = False
    requires: FieldSet = ()
    provides: FieldSet = ()
    override: Override | None = None
    contexts: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class SubgraphType:
    """A type as one subgraph declares it.

    possible: the concrete types that this subgraph can return where the type stands.
    extension: declared as `extend type` or @extends, Federation 1's way of saying that it is owned elsewhere.
    """

    name: str
    kind: TypeKind
    fields: Mapping[str, SubgraphField]
    keys: tuple[Key, ...]
    possible: frozenset[str]
    is_interface_object: bool
    extension: bool


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A subgraph's name and where it listens, as the supergraph says."""

    name: SubgraphName
    url: str


class Mode(StrEnum):
    """LATEST: the newest event of each key is what counts. ORDERED: every event, one after the other."""

    LATEST = "LATEST"
    ORDERED = "ORDERED"


class Share(StrEnum):
    """Whose identical subscriptions may be one stream: one caller's, or those of all callers of a tenant."""

    CALLER = "CALLER"
    TENANT = "TENANT"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the events of one subscription field reach a reader.

    key, cursor: field sets on the event. after: the argument that resumes.
    max_rate: events a second of one key to one reader.
    """

    mode: Mode = Mode.ORDERED
    key: str | None = None
    cursor: str | None = None
    after: str | None = None
    max_rate: int | None = None
    share: Share = Share.CALLER


@dataclass(frozen=True, slots=True, eq=False)
class Supergraph:
    """Everything that the gateway knows of the graph.

    api_schema: what clients see: no join machinery, nothing inaccessible.
    types: for each subgraph, the types that it declares.
    possible: for each composite type, every concrete type that any subgraph may return there, inaccessible ones too.
    interfaces: for each concrete type, the interfaces that it implements anywhere.
    roots: the name of each root type.
    contexts: for each context, the concrete types whose objects set it.
    deliveries: for each subscription field that says so, how its events reach a reader.
    access: what one must be to see a type or a field. cost: what types and fields weigh, and how long lists are.
    """

    api_schema: GraphQLSchema
    subgraphs: Mapping[SubgraphName, Subgraph]
    types: Mapping[SubgraphName, Mapping[str, SubgraphType]]
    possible: Mapping[str, frozenset[str]]
    interfaces: Mapping[str, frozenset[str]]
    roots: Mapping[OperationKind, str]
    contexts: Mapping[str, frozenset[str]]
    deliveries: Mapping[str, Delivery]
    access: AccessRules
    cost: CostRules
