"""`node(id)` and `nodes(ids)` for a supergraph that has none: a small subgraph of the gateway's own, joined to it.

In: a supergraph's text and a rule that tells the type in an id. Out: the text with that subgraph in it, and the
subgraph, which lives in this process. It knows each entity with the key `id` by that key alone; planning does the rest.
An id that fits no such type is null. Whether the thing exists is for its own subgraphs to say: asked for nothing but
its id, it is taken at its word.

Refuses (`NodeFieldRefused`) a supergraph that has these fields already, or nothing to answer them with.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

from graphql import (
    ConstDirectiveNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLResolveInfo,
    GraphQLSchema,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    NameNode,
    ObjectTypeDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    print_ast,
    validate,
)

from gateway.errors import GatewayError
from gateway.plan.nodes import SubgraphName
from gateway.settings import NodeFieldSettings

SUBGRAPH = SubgraphName("node-field")
_GRAPH = "NODE_FIELD_"
_FIELDS = "node(id: ID!): Node nodes(ids: [ID!]!): [Node]!"


class NodeFieldRefused(GatewayError):
    """`node` cannot be added to this supergraph."""


def with_node_field(text: str) -> str:
    """The supergraph with `node` and `nodes`."""
    document = parse(text, no_location=True)
    objects = [each for each in document.definitions if isinstance(each, ObjectTypeDefinitionNode)]
    interfaces = [each for each in document.definitions if isinstance(each, InterfaceTypeDefinitionNode)]
    node = next((each for each in interfaces if each.name.value == "Node"), None)
    query = next((each for each in objects if each.name.value == "Query"), None)
    if query is None or any(field.name.value in ("node", "nodes") for field in query.fields or ()):
        raise NodeFieldRefused("The supergraph answers `node` or `nodes` itself: switch nodeField off.")
    known = [each for each in objects if _is_entity(each) and (node is None or _implements(each, "Node"))]
    if not known:
        raise NodeFieldRefused("No type has the key `id`, so `node` could answer nothing.")
    changed = [*known, node, query]
    parts = [
        _with_graph(each) if _graphs(each) else print_ast(each) for each in document.definitions if each not in changed
    ]
    parts.append(_joined(query, "", "".join(f" {field} @join__field(graph: {_GRAPH})" for field in _root_fields())))
    parts += [_joined(each, ', key: "id", resolvable: false', "", implements=True) for each in known]
    parts.append(_joined(node, "", "") if node else f"interface Node @join__type(graph: {_GRAPH}) {{ id: ID! }}")
    return "\n\n".join(parts)


class NodeSubgraph:
    """Answers `node` and `nodes` with a type and an id."""

    def __init__(self, types: Sequence[str], settings: NodeFieldSettings) -> None:
        objects = " ".join(f"type {name} implements Node {{ id: ID! }}" for name in types)
        self._schema: GraphQLSchema = build_schema(
            f"interface Node {{ id: ID! }} {objects} type Query {{ {_FIELDS} }}", assume_valid=True
        )
        self._types = frozenset(types)
        self._settings = settings

    async def execute(self, document: str, variables: dict[str, object], *_: object) -> Mapping[str, object]:
        parsed = parse(document)
        if problems := validate(self._schema, parsed):
            return {"errors": [problem.formatted for problem in problems]}
        result = execute_sync(
            self._schema,
            parsed,
            variable_values=variables,
            field_resolver=self._resolve,
            type_resolver=lambda value, info, abstract: value["__typename"],
        )
        return cast("Mapping[str, object]", result.formatted)

    def subscribe(self, *_: object) -> AsyncIterator[Mapping[str, object]]:
        raise NotImplementedError("nothing here is a stream")

    def _resolve(self, source: object, info: GraphQLResolveInfo[Any], **arguments: object) -> object:
        if isinstance(source, dict):
            return source[info.field_name]
        if info.field_name == "node":
            return self._node(cast("str", arguments["id"]))
        return [self._node(each) for each in cast("list[str]", arguments["ids"])]

    def _node(self, id: str) -> dict[str, str] | None:
        name = type_in(id, self._settings)
        return {"__typename": name, "id": id} if name in self._types else None


def type_in(id: str, settings: NodeFieldSettings) -> str | None:
    """The type that the id names, by the rule; None where it follows no rule."""
    text = id
    if settings.base64:
        try:
            padded = id.replace("+", "-").replace("/", "_") + "=" * (-len(id) % 4)
            text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            return None
    name, found, _ = text.partition(settings.separator)
    return name if found else None


def _root_fields() -> tuple[str, str]:
    return "node(id: ID!): Node", "nodes(ids: [ID!]!): [Node]!"


def _joined(
    definition: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode,
    key: str,
    fields: str,
    implements: bool = False,
) -> str:
    """The type, known to the new subgraph, too, by its id; its other fields stay with those who had them."""
    graphs = list(dict.fromkeys(_arguments(each, "graph") for each in _directives(definition, "join__type")))
    kept = [_field(each, graphs, is_id=not fields) for each in definition.fields or ()]
    join = f" @join__type(graph: {_GRAPH}{key})"
    interfaces = list(definition.interfaces or ())
    if implements:
        join += f' @join__implements(graph: {_GRAPH}, interface: "Node")'
        if not _implements(definition, "Node"):
            interfaces.append(NamedTypeNode(name=NameNode(value="Node")))
    kind = "type" if isinstance(definition, ObjectTypeDefinitionNode) else "interface"
    heads = f" implements {' & '.join(each.name.value for each in interfaces)}" if interfaces else ""
    directives = "".join(f" {print_ast(each)}" for each in definition.directives or ())
    return f"{kind} {definition.name.value}{heads}{directives}{join} {{ {' '.join(kept)}{fields} }}"


def _field(field: FieldDefinitionNode, graphs: Sequence[str | None], is_id: bool) -> str:
    text = print_ast(field)
    own = is_id and field.name.value == "id"
    if any(each.name.value == "join__field" for each in field.directives or ()):
        return f"{text} @join__field(graph: {_GRAPH})" if own else text
    if own:
        return text
    # Without a join it belonged to all who know the type; the new subgraph is not one of them.
    return text + "".join(f" @join__field(graph: {graph})" for graph in graphs)


def _with_graph(definition: object) -> str:
    text = print_ast(cast("EnumTypeDefinitionNode", definition)).rstrip().removesuffix("}")
    return f'{text}  {_GRAPH} @join__graph(name: "{SUBGRAPH}", url: "")\n}}'


def _graphs(definition: object) -> bool:
    return isinstance(definition, EnumTypeDefinitionNode) and definition.name.value == "join__Graph"


def _is_entity(definition: ObjectTypeDefinitionNode) -> bool:
    """Whether some subgraph can be asked about the type by its `id`."""
    return any(
        _arguments(each, "key") == "id" and _arguments(each, "resolvable") != "False"
        for each in _directives(definition, "join__type")
    )


def _implements(definition: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode, name: str) -> bool:
    return any(each.name.value == name for each in definition.interfaces or ())


def _directives(
    definition: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode, name: str
) -> list[ConstDirectiveNode]:
    return [each for each in definition.directives or () if each.name.value == name]


def _arguments(directive: ConstDirectiveNode, name: str) -> str | None:
    value = next((each.value for each in directive.arguments or () if each.name.value == name), None)
    return None if value is None else str(getattr(value, "value", None))
