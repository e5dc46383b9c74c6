"""The join directives of a supergraph, read: which subgraph declares which type and field, and how.

In: the supergraph's parsed document. Out: for each subgraph its types. Refuses: a graph name that is not in the
`join__Graph` enum. Join spec v0.2 to v0.5; arguments that it does not know are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueNode,
    FieldDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    StringValueNode,
    TypeNode,
    UnionTypeDefinitionNode,
)

from gateway.plan.nodes import SubgraphName
from gateway.supergraph.contexts import context_arguments
from gateway.supergraph.errors import SupergraphInvalid
from gateway.supergraph.field_set import parse_field_set
from gateway.supergraph.model import Key, Override, Subgraph, SubgraphField, SubgraphType, TypeKind

TypeDefinition = (
    ObjectTypeDefinitionNode
    | InterfaceTypeDefinitionNode
    | UnionTypeDefinitionNode
    | EnumTypeDefinitionNode
    | ScalarTypeDefinitionNode
)
Graphs = Mapping[str, Subgraph]
"""The value of the `join__Graph` enum -> the subgraph."""


def graphs_of(document: DocumentNode) -> Graphs:
    """The subgraphs, by the enum value that join directives name them with."""
    for definition in document.definitions:
        if isinstance(definition, EnumTypeDefinitionNode) and definition.name.value == "join__Graph":
            found: dict[str, Subgraph] = {}
            for value in definition.values or ():
                for directive in directives_named(value.directives, "join__graph"):
                    name = SubgraphName(text_of(directive, "name") or value.name.value)
                    found[value.name.value] = Subgraph(name, text_of(directive, "url") or "")
            return found
    raise SupergraphInvalid("it has no join__Graph enum, so it is not a composed supergraph")


def read_types(document: DocumentNode, graphs: Graphs) -> dict[SubgraphName, dict[str, SubgraphType]]:
    """For each subgraph, the composite and leaf types that it declares."""
    definitions = [definition for definition in document.definitions if isinstance(definition, TypeDefinition)]
    implementers = _implementers(definitions, graphs)
    everywhere = implementers_anywhere(definitions)
    types: dict[SubgraphName, dict[str, SubgraphType]] = {graph.name: {} for graph in graphs.values()}
    for definition in definitions:
        name = definition.name.value
        joins: dict[str, list[DirectiveNode]] = {}
        for directive in directives_named(definition.directives, "join__type"):
            joins.setdefault(_graph_of(directive, graphs, name), []).append(directive)
        for graph, declared in joins.items():
            subgraph = graphs[graph].name
            local = implementers.get((subgraph, name), frozenset())
            types[subgraph][name] = _subgraph_type(definition, graph, declared, local, everywhere)
    return types


def implementers_anywhere(definitions: Iterable[object]) -> dict[str, frozenset[str]]:
    """For each interface and union, every concrete type that may stand there in any subgraph."""
    found: dict[str, set[str]] = {}
    for definition in definitions:
        if isinstance(definition, ObjectTypeDefinitionNode):
            found.setdefault(definition.name.value, set()).add(definition.name.value)
            for interface in definition.interfaces or ():
                found.setdefault(interface.name.value, set()).add(definition.name.value)
        elif isinstance(definition, UnionTypeDefinitionNode):
            found.setdefault(definition.name.value, set()).update(m.name.value for m in definition.types or ())
    return {name: frozenset(members) for name, members in found.items()}


def _implementers(definitions: list[TypeDefinition], graphs: Graphs) -> dict[tuple[SubgraphName, str], frozenset[str]]:
    found: dict[tuple[SubgraphName, str], set[str]] = {}
    for definition in definitions:
        name = definition.name.value
        if isinstance(definition, ObjectTypeDefinitionNode):
            for directive in directives_named(definition.directives, "join__implements"):
                subgraph = graphs[_graph_of(directive, graphs, name)].name
                found.setdefault((subgraph, text_of(directive, "interface") or ""), set()).add(name)
        elif isinstance(definition, UnionTypeDefinitionNode):
            members = list(directives_named(definition.directives, "join__unionMember"))
            for directive in members:
                subgraph = graphs[_graph_of(directive, graphs, name)].name
                found.setdefault((subgraph, name), set()).add(text_of(directive, "member") or "")
            if not members:
                for directive in directives_named(definition.directives, "join__type"):
                    subgraph = graphs[_graph_of(directive, graphs, name)].name
                    found.setdefault((subgraph, name), set()).update(m.name.value for m in definition.types or ())
    return {place: frozenset(members) for place, members in found.items()}


def _subgraph_type(
    definition: TypeDefinition,
    graph: str,
    declared: list[DirectiveNode],
    local: frozenset[str],
    everywhere: Mapping[str, frozenset[str]],
) -> SubgraphType:
    name = definition.name.value
    is_interface_object = any(is_true(directive, "isInterfaceObject") for directive in declared)
    extension = any(is_true(directive, "extension") for directive in declared)
    keys = tuple(
        Key(parse_field_set(text), not is_false(directive, "resolvable"))
        for directive in declared
        if (text := text_of(directive, "key")) is not None
    )
    fields: dict[str, SubgraphField] = {}
    if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        for node in definition.fields or ():
            if (field := _subgraph_field(node, graph)) is not None:
                fields[field.name] = field
    match definition:
        case ObjectTypeDefinitionNode():
            kind, possible = TypeKind.OBJECT, frozenset((name,))
        case InterfaceTypeDefinitionNode():
            kind = TypeKind.INTERFACE
            possible = everywhere.get(name, frozenset()) if is_interface_object else local
        case UnionTypeDefinitionNode():
            kind, possible = TypeKind.UNION, local
        case _:
            kind, possible = TypeKind.LEAF, frozenset()
    return SubgraphType(name, kind, fields, keys, possible, is_interface_object, extension)


def _subgraph_field(node: FieldDefinitionNode, graph: str) -> SubgraphField | None:
    """The field as this subgraph declares it; None when it does not.

    Without any `join__field` every subgraph that has the type has the field; with one that names no graph none has it
    (it came from an interface object, and is reached through the interface).
    """
    joins = list(directives_named(node.directives, "join__field"))
    join = next((join for join in joins if _value_text(join, "graph") == graph), None)
    if join is None:
        if joins:
            return None
        return SubgraphField(node.name.value, named_type(node.type), text_of_type(node.type))
    type_text = text_of(join, "type") or text_of_type(node.type)
    source = text_of(join, "override")
    return SubgraphField(
        name=node.name.value,
        type_name=type_text.strip("[]!"),
        type_text=type_text,
        external=is_true(join, "external"),
        overridden=is_true(join, "usedOverridden"),
        requires=parse_field_set(text) if (text := text_of(join, "requires")) else (),
        provides=parse_field_set(text) if (text := text_of(join, "provides")) else (),
        override=Override(source, text_of(join, "overrideLabel")) if source else None,
        contexts=context_arguments(join),
    )


def directives_named(directives: Iterable[DirectiveNode] | None, name: str) -> Iterator[DirectiveNode]:
    """Those of the directives that carry the name."""
    return (directive for directive in directives or () if directive.name.value == name)


def text_of(directive: DirectiveNode, argument: str) -> str | None:
    """A string argument's value; None when it is not given."""
    for node in directive.arguments or ():
        if node.name.value == argument and isinstance(node.value, StringValueNode):
            return node.value.value
    return None


def is_true(directive: DirectiveNode, argument: str) -> bool:
    """Whether a boolean argument is given as true."""
    return _boolean(directive, argument) is True


def is_false(directive: DirectiveNode, argument: str) -> bool:
    """Whether a boolean argument is given as false."""
    return _boolean(directive, argument) is False


def _boolean(directive: DirectiveNode, argument: str) -> bool | None:
    for node in directive.arguments or ():
        if node.name.value == argument and isinstance(node.value, BooleanValueNode):
            return node.value.value
    return None


def _value_text(directive: DirectiveNode, argument: str) -> str | None:
    for node in directive.arguments or ():
        if node.name.value == argument and isinstance(node.value, EnumValueNode):
            return node.value.value
    return None


def _graph_of(directive: DirectiveNode, graphs: Graphs, type_name: str) -> str:
    graph = _value_text(directive, "graph")
    if graph is None or graph not in graphs:
        raise SupergraphInvalid(f"{type_name} is joined to the unknown graph {graph!r}")
    return graph


def text_of_type(node: TypeNode) -> str:
    """The type as it is printed; asked of every field, for which graphql-core's printer is too slow."""
    if isinstance(node, NonNullTypeNode):
        return f"{text_of_type(node.type)}!"
    if isinstance(node, ListTypeNode):
        return f"[{text_of_type(node.type)}]"
    return cast("NamedTypeNode", node).name.value


def named_type(node: TypeNode) -> str:
    """The name within lists and non-nulls."""
    while isinstance(node, ListTypeNode | NonNullTypeNode):
        node = node.type
    return cast("NamedTypeNode", node).name.value
