"""What a supergraph says of contexts: which objects set one, and which arguments are filled from one.

In: the supergraph's parsed document, or one `join__field`. Out: for each context the concrete types that set it; the
arguments of a field. Refuses an argument that says less than it must.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import (
    DirectiveNode,
    DocumentNode,
    ListValueNode,
    ObjectValueNode,
    SchemaDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    ValueNode,
)

from gateway.supergraph.errors import SupergraphInvalid
from gateway.supergraph.field_set import FieldSet, parse_field_set
from gateway.supergraph.model import ContextArgument

_SPEC = "context"


def context_setters(document: DocumentNode, possible: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """For each context, the concrete types whose objects set it; an interface or a union sets it for all of its own."""
    directive_name = _directive_name(document)
    found: dict[str, set[str]] = {}
    for node in document.definitions:
        if isinstance(node, TypeDefinitionNode):
            for directive in node.directives or ():
                if directive.name.value == directive_name:
                    name = _texts(directive).get("name", "")
                    found.setdefault(name, set()).update(possible.get(node.name.value, ()))
    return {name: frozenset(types) for name, types in found.items()}


def context_arguments(join: DirectiveNode) -> tuple[ContextArgument, ...]:
    """The arguments of the field that one subgraph takes from contexts."""
    for argument in join.arguments or ():
        if argument.name.value == "contextArguments" and isinstance(argument.value, ListValueNode):
            return tuple(_argument(item) for item in argument.value.values)
    return ()


def _argument(node: ValueNode) -> ContextArgument:
    given = _texts(node)
    try:
        return ContextArgument(given["name"], given["type"], given["context"], _selection(given["selection"]))
    except KeyError as missing:
        raise SupergraphInvalid(f"an argument in `contextArguments` has no {missing.args[0]!r}") from None


def _selection(text: str) -> FieldSet:
    """`{ prop }`, or the bare `... on A { x } ... on B { y }`."""
    bare = text.strip()
    if bare.startswith("{") and bare.endswith("}"):
        bare = bare[1:-1]
    return parse_field_set(bare)


def _texts(node: DirectiveNode | ValueNode) -> dict[str, str]:
    """The string values of a directive's arguments or an object's fields."""
    parts = node.arguments if isinstance(node, DirectiveNode) else getattr(node, "fields", ())
    return {part.name.value: part.value.value for part in parts or () if isinstance(part.value, StringValueNode)}


def _directive_name(document: DocumentNode) -> str:
    """What `@context` goes by here: a link may give the whole spec or the one directive another name."""
    for node in document.definitions:
        for link in node.directives or () if isinstance(node, SchemaDefinitionNode) else ():
            said = _texts(link)
            if link.name.value == "link" and said.get("url", "").rstrip("/").split("/")[-2:-1] == [_SPEC]:
                return _imported_as(link) or said.get("as", _SPEC)
    return _SPEC


def _imported_as(link: DirectiveNode) -> str | None:
    for argument in link.arguments or ():
        if argument.name.value == "import" and isinstance(argument.value, ListValueNode):
            for item in argument.value.values:
                if isinstance(item, StringValueNode) and item.value == f"@{_SPEC}":
                    return _SPEC
                said = _texts(item) if isinstance(item, ObjectValueNode) else {}
                if said.get("name") == f"@{_SPEC}":
                    return said.get("as", f"@{_SPEC}").removeprefix("@")
    return None
