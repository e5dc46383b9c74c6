"""What a supergraph means, as values that can be compared: two compositions need not write alike to mean the same.

In: the text of a supergraph. Out: for each subgraph what it resolves, by which keys, and for each element of the schema
what clients and rules see of it. Left aside, as it changes nothing: key fields within a @requires (they are sent
anyway), an @override of a subgraph that does not have the field, and the order of anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphql import (
    DirectiveDefinitionNode,
    DirectiveNode,
    Node,
    TypeDefinitionNode,
    parse,
    print_ast,
    value_from_ast_untyped,
)

from gateway.supergraph.field_set import FieldSelection, FieldSet
from gateway.supergraph.model import SubgraphField, SubgraphType, Supergraph, TypeKind
from gateway.supergraph.read import read_supergraph

CARRIED = frozenset(
    ("tag", "inaccessible", "authenticated", "requiresScopes", "policy", "cost", "listSize", "context", "own")
)
CARRIED |= frozenset(("deprecated", "specifiedBy", "oneOf"))
ROOTS = frozenset(("Query", "Mutation", "Subscription"))
Meaning = dict[tuple[str, ...], Any]


def meaning_of(text: str) -> Meaning:
    """Everything that the supergraph says, by coordinate."""
    return {**_resolved(read_supergraph(text)), **_seen(text)}


def differences(one: Meaning, other: Meaning) -> list[str]:
    """Where the two differ, as text."""
    return [
        f"{' '.join(key)}: {one.get(key)} | {other.get(key)}"
        for key in sorted(one.keys() | other.keys())
        if one.get(key) != other.get(key)
    ]


def _resolved(supergraph: Supergraph) -> Meaning:
    found: Meaning = {}
    selected = {subgraph: _selected(types.values()) for subgraph, types in supergraph.types.items()}
    for subgraph, types in supergraph.types.items():
        for name, declared in types.items():
            keys = [{s.name for s in key.fields if isinstance(s, FieldSelection)} for key in declared.keys]
            common = frozenset(set.intersection(*keys)) if keys else frozenset()
            found[("subgraph", subgraph, name)] = (
                "interface object" if declared.is_interface_object else declared.kind.value,
                sorted(declared.possible),
                # A root is entered without a key, whatever one is declared.
                sorted((_canonical(key.fields), key.resolvable) for key in declared.keys if name not in ROOTS),
            )
            for field in declared.fields.values():
                if not field.external or field.name in selected[subgraph]:
                    found[("subgraph", subgraph, name, field.name)] = _field(field, common, declared.kind)
    for key, value in found.items():
        override = value[-1] if len(key) == 4 else None
        if override is not None and ("subgraph", override[0], *key[2:]) not in found:
            found[key] = (*value[:-1], None)
    return found


def _selected(types: Iterable[SubgraphType]) -> frozenset[str]:
    """The names that a @requires or @provides of the subgraph selects: what else is external there means nothing."""
    sets = [fields for type_ in types for field in type_.fields.values() for fields in (field.requires, field.provides)]
    found: set[str] = set()
    while sets:
        for selection in sets.pop():
            sets.append(selection.selections)
            if isinstance(selection, FieldSelection):
                found.add(selection.name)
    return frozenset(found)


def _field(field: SubgraphField, keys: frozenset[str], kind: TypeKind) -> tuple[Any, ...]:
    override = (field.override.source, field.override.label) if field.override and field.override.label else None
    return (
        field.type_text if kind is TypeKind.OBJECT else None,
        field.external if kind is TypeKind.OBJECT else None,
        field.overridden and not field.external,
        _canonical(field.requires, keys),
        _canonical(field.provides),
        override,
    )


def _canonical(selections: FieldSet, without: frozenset[str] = frozenset()) -> str:
    found: list[str] = []
    for selection in selections:
        inner = "{" + _canonical(selection.selections) + "}" if selection.selections else ""
        if not isinstance(selection, FieldSelection):
            found.append(f"... on {selection.type_condition}{inner}")
        elif inner or selection.name not in without:
            found.append(selection.name + selection.arguments + inner)
    return " ".join(sorted(found))


def _seen(text: str) -> Meaning:
    found: Meaning = {}
    for node in parse(text, no_location=True).definitions:
        name = getattr(getattr(node, "name", None), "value", "__")
        if "__" in name or name == "link":
            continue
        if isinstance(node, DirectiveDefinitionNode) and name not in CARRIED - {"own"}:
            locations = sorted(location.value for location in node.locations)
            arguments = sorted(map(print_ast, node.arguments or ()))
            found[("directive", name)] = (locations, node.repeatable, arguments)
        elif isinstance(node, TypeDefinitionNode):
            found[("schema", name)] = (
                type(node).__name__,
                _names(node, "interfaces"),
                _names(node, "types"),
                *_plain(node),
            )
            for part in (*(getattr(node, "fields", None) or ()), *(getattr(node, "values", None) or ())):
                found[("schema", name, part.name.value)] = _plain(part)
                for argument in getattr(part, "arguments", None) or ():
                    found[("schema", name, part.name.value, argument.name.value)] = _plain(argument)
    return found


def _plain(node: Node) -> tuple[Any, ...]:
    type_ = getattr(node, "type", None)
    default = getattr(node, "default_value", None)
    description = getattr(node, "description", None)
    return (
        print_ast(type_) if type_ else None,
        print_ast(default) if default else None,
        description.value.strip() if description else None,
        sorted(_directives(getattr(node, "directives", None) or ())),
    )


def _directives(nodes: Iterable[DirectiveNode]) -> Iterable[str]:
    for node in nodes:
        if node.name.value in CARRIED:
            given = {a.name.value: _sorted(value_from_ast_untyped(a.value)) for a in node.arguments or ()}
            yield f"@{node.name.value} {sorted(given.items())}"


def _sorted(value: Any) -> Any:
    return sorted((_sorted(each) for each in value), key=str) if isinstance(value, list) else value


def _names(node: Node, part: str) -> list[str]:
    return sorted(each.name.value for each in getattr(node, part, None) or ())
