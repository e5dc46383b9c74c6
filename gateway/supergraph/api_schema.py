"""The schema that clients see: the supergraph without its machinery and without what is inaccessible.

In: the supergraph's parsed document. Out: a graphql-core schema. Refuses: a document that is no valid schema then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListValueNode,
    Node,
    ObjectTypeDefinitionNode,
    ObjectValueNode,
    SchemaDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    parse,
)

from gateway.supergraph.errors import SupergraphInvalid
from gateway.supergraph.join import named_type, text_of

AnyNode = TypeVar("AnyNode", bound=Node)
EXECUTABLE = frozenset(
    {"QUERY", "MUTATION", "SUBSCRIPTION", "VARIABLE_DEFINITION", "FIELD", "INLINE_FRAGMENT"}
    | {"FRAGMENT_DEFINITION", "FRAGMENT_SPREAD"}
)
KEPT_DIRECTIVES = frozenset(("deprecated", "specifiedBy", "oneOf"))
IN_PIECES = parse(
    '''
"""The fragment's fields may come after the rest of the answer."""
directive @defer(
  "Whether they may."
  if: Boolean! = true
  "A name by which the client knows the fragment again."
  label: String
) on FRAGMENT_SPREAD | INLINE_FRAGMENT

"""The list's later items may come after the rest of the answer."""
directive @stream(
  "Whether they may."
  if: Boolean! = true
  "A name by which the client knows the list again."
  label: String
  "How many items come at once."
  initialCount: Int = 0
) on FIELD
''',
    no_location=True,
).definitions
"""The gateway's own directives, whatever the subgraphs make of those names."""


def api_schema_of(document: DocumentNode) -> GraphQLSchema:
    """The client's schema."""
    machinery, inaccessible = _linked_names(document)
    hidden = {
        node.name.value
        for node in document.definitions
        if isinstance(node, TypeDefinitionNode)
        and (_carries(node.directives, inaccessible) or _is_machinery(node.name.value, machinery))
    }
    strip = _Strip(frozenset(hidden), inaccessible)
    definitions = [kept for node in document.definitions if (kept := strip.definition(node)) is not None]
    try:
        return build_ast_schema(DocumentNode(definitions=(*definitions, *IN_PIECES)), assume_valid_sdl=True)
    except (GraphQLError, TypeError) as problem:
        raise SupergraphInvalid(f"no schema for clients is left of it ({problem})") from problem


def _is_machinery(name: str, namespaces: frozenset[str]) -> bool:
    namespace, mark, _ = name.partition("__")
    return bool(mark) and namespace in namespaces


def _linked_names(document: DocumentNode) -> tuple[frozenset[str], str]:
    """The namespaces of linked specs, and the name that @inaccessible goes by here."""
    namespaces = {"join", "link", "core"}
    inaccessible = "inaccessible"
    for node in document.definitions:
        if not isinstance(node, SchemaDefinitionNode):
            continue
        for directive in node.directives or ():
            if directive.name.value not in ("link", "core"):
                continue
            parts = (text_of(directive, "url") or text_of(directive, "feature") or "").rstrip("/").split("/")
            spec = parts[-2] if len(parts) > 1 else parts[-1]
            namespaces.add(text_of(directive, "as") or spec)
            if spec == "inaccessible":
                inaccessible = imported_as(directive, "@inaccessible") or text_of(directive, "as") or inaccessible
    return frozenset(namespaces), inaccessible


def imported_as(directive: DirectiveNode, name: str) -> str | None:
    """What a linked definition is called here, without `@`; None where it keeps its name."""
    for argument in directive.arguments or ():
        if argument.name.value == "import" and isinstance(argument.value, ListValueNode):
            for item in argument.value.values:
                if isinstance(item, ObjectValueNode):
                    pairs = {f.name.value: f.value.value for f in item.fields if isinstance(f.value, StringValueNode)}
                    if pairs.get("name") == name and "as" in pairs:
                        return pairs["as"].removeprefix("@")
    return None


def _carries(directives: Iterable[DirectiveNode] | None, name: str) -> bool:
    return any(directive.name.value == name for directive in directives or ())


class _Strip:
    """Copies of definitions without what clients must not see."""

    def __init__(self, hidden: frozenset[str], inaccessible: str) -> None:
        self.hidden = hidden
        self.inaccessible = inaccessible

    def definition(self, node: Node) -> DefinitionNode | None:
        """The definition as clients see it; None when they do not."""
        match node:
            case SchemaDefinitionNode():
                roots = tuple(root for root in node.operation_types if root.type.name.value not in self.hidden)
                return _changed(node, directives=(), operation_types=roots)
            case DirectiveDefinitionNode():
                return self._directive_definition(node)
            case TypeDefinitionNode() if node.name.value not in self.hidden:
                return self._type_definition(node)
        return None

    def _type_definition(self, node: TypeDefinitionNode) -> TypeDefinitionNode:
        directives = _plain(node.directives)
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                interfaces = tuple(i for i in node.interfaces or () if i.name.value not in self.hidden)
                fields = tuple(self._field(field) for field in node.fields or () if self._stays(field))
                return _changed(node, directives=directives, interfaces=interfaces, fields=fields)
            case UnionTypeDefinitionNode():
                members = tuple(m for m in node.types or () if m.name.value not in self.hidden)
                return _changed(node, directives=directives, types=members)
            case EnumTypeDefinitionNode():
                shown = [value for value in node.values or () if not _carries(value.directives, self.inaccessible)]
                values = tuple(_changed(value, directives=_plain(value.directives)) for value in shown)
                return _changed(node, directives=directives, values=values)
            case InputObjectTypeDefinitionNode():
                return _changed(node, directives=directives, fields=self._inputs(node.fields))
        return _changed(node, directives=directives)

    def _directive_definition(self, node: DirectiveDefinitionNode) -> DirectiveDefinitionNode | None:
        executable = tuple(location for location in node.locations if location.value in EXECUTABLE)
        if not executable or node.name.value in (*KEPT_DIRECTIVES, "defer", "stream"):
            return None
        return _changed(node, arguments=self._inputs(node.arguments), locations=executable)

    def _stays(self, node: FieldDefinitionNode | InputValueDefinitionNode) -> bool:
        return not _carries(node.directives, self.inaccessible) and named_type(node.type) not in self.hidden

    def _field(self, node: FieldDefinitionNode) -> FieldDefinitionNode:
        return _changed(node, directives=_plain(node.directives), arguments=self._inputs(node.arguments))

    def _inputs(self, nodes: Iterable[InputValueDefinitionNode] | None) -> tuple[InputValueDefinitionNode, ...]:
        return tuple(_changed(node, directives=_plain(node.directives)) for node in nodes or () if self._stays(node))


def _plain(directives: Iterable[DirectiveNode] | None) -> tuple[DirectiveNode, ...]:
    return tuple(directive for directive in directives or () if directive.name.value in KEPT_DIRECTIVES)


def _changed(node: AnyNode, **changes: object) -> AnyNode:
    """A copy of the node with other values in some places."""
    values = {key: getattr(node, key) for key in node.keys if key != "loc"}
    return type(node)(**{**values, **changes})
