"""Read one subgraph: text in, `SubgraphSchema` out.

What Federation adds to a subgraph for its gateway (`_entities`, `_service` and their types, its own directives'
definitions) is taken away; what is not GraphQL, or not Federation's, goes to the report.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    GraphQLSyntaxError,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    OperationType,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    Source,
    parse,
)

from gateway.composition.declare import declare_types
from gateway.composition.definitions import check_definition
from gateway.composition.federation_names import USUAL_SCALARS, FederationNames, federation_names
from gateway.composition.links import link_names, read_links
from gateway.composition.problems import Place, Report, place_of
from gateway.composition.schema import ROOTS, SubgraphSchema
from gateway.composition.well_formed import check_well_formed
from gateway.supergraph.join import named_type

_MACHINERY = frozenset(("_Any", "_Entity", "_Service"))
_MACHINERY_FIELDS = frozenset(("_entities", "_service"))
_OPERATIONS = {
    OperationType.QUERY: "query",
    OperationType.MUTATION: "mutation",
    OperationType.SUBSCRIPTION: "subscription",
}


@dataclass(frozen=True, slots=True)
class SubgraphSource:
    """A subgraph as it is given: its name, where it listens, and its text."""

    name: str
    url: str
    sdl: str


def read_subgraph(source: SubgraphSource, graph: str, report: Report) -> SubgraphSchema | None:
    """The subgraph; None where it is not sound enough to be looked at further."""
    before = len(report.problems)
    if source.name == "_":
        report.problem("INVALID_SUBGRAPH_NAME", 'A subgraph cannot be called "_": the name is reserved.')
    document = _parsed(source, report)
    if document is None:
        return None
    links = read_links(document, source.name, report)
    names = federation_names(links, link_names(document))
    for node in document.definitions:
        if isinstance(node, DirectiveDefinitionNode) and node.name.value in names.directives:
            check_definition(node, names, source.name, report)
    roots = _roots(document)
    cleaned = _without_machinery(document, names, roots)
    if len(report.problems) > before:
        return None
    built = check_well_formed(cleaned, names, source.name, report)
    types = declare_types(cleaned, names, roots)
    _check_roots(cleaned, roots, source.name, report)
    return SubgraphSchema(
        name=source.name,
        graph=graph,
        url=source.url,
        version=names.version,
        links=links,
        types=types.types,
        directives=types.directives,
        directive_arguments=types.directive_arguments,
        roots={operation: ROOTS[operation] for operation in roots if ROOTS[operation] in types.types},
        composed=types.composed,
        built=built,
    )


def _parsed(source: SubgraphSource, report: Report) -> DocumentNode | None:
    if not re.sub(r"#.*|[\s,\ufeff]", "", source.sdl):
        report.problem("INVALID_GRAPHQL", f"[{source.name}] The subgraph's schema is empty.", Place(source.name))
        return None
    try:
        return parse(Source(source.sdl, source.name))
    except GraphQLSyntaxError as problem:
        places = [Place(source.name, found.line, found.column) for found in problem.locations or ()]
        report.problem("INVALID_GRAPHQL", f"[{source.name}] {problem.message}", *places)
        return None


def _roots(document: DocumentNode) -> dict[str, str]:
    """The name of each root type in this text."""
    found: dict[str, str] = {}
    schema = [node for node in document.definitions if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode)]
    for node in schema:
        for root in node.operation_types or ():
            found[_OPERATIONS[root.operation]] = root.type.name.value
    if not any(isinstance(node, SchemaDefinitionNode) for node in schema):
        for operation, name in ROOTS.items():
            found.setdefault(operation, name)
    elif not found:
        # `schema @link(...)` alone, as some libraries print it: the usual names hold.
        found = dict(ROOTS)
    return found


def _without_machinery(document: DocumentNode, names: FederationNames, roots: dict[str, str]) -> DocumentNode:
    kept: list[DefinitionNode] = []
    used = _types_used(document)
    for node in document.definitions:
        name = getattr(getattr(node, "name", None), "value", "")
        is_usual = name in USUAL_SCALARS and name not in used
        if name in _MACHINERY or names.defines(node) or is_usual:
            continue
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode) and name == roots.get("query"):
            fields = tuple(field for field in node.fields or () if field.name.value not in _MACHINERY_FIELDS)
            if not fields and node.fields:
                continue
            values = {key: getattr(node, key) for key in node.keys if key != "loc"}
            node = type(node)(**{**values, "fields": fields}, loc=node.loc)
        kept.append(node)
    return DocumentNode(definitions=tuple(kept))


def _types_used(document: DocumentNode) -> frozenset[str]:
    """The types that fields and arguments of types are of."""
    found: set[str] = set()
    for node in document.definitions:
        for field in getattr(node, "fields", None) or ():
            for each in (field, *(getattr(field, "arguments", None) or ())):
                found.add(named_type(each.type))
    return frozenset(found)


def _check_roots(document: DocumentNode, roots: dict[str, str], subgraph: str, report: Report) -> None:
    given = {getattr(getattr(node, "name", None), "value", ""): node for node in document.definitions}
    for operation, usual in ROOTS.items():
        name = roots.get(operation, usual)
        if name != usual and usual in given:
            report.problem(
                f"ROOT_{operation.upper()}_USED",
                f'[{subgraph}] The schema has a type "{usual}", but its {operation} root type is "{name}". Rename '
                f"the type: "
                f"where a root type has a name of its own, no other may have the usual one.",
                place_of(subgraph, given[usual]),
            )
