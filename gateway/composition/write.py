"""Merged types -> the supergraph's document.

In: `Merged`, found to fit together. Out: schema, machinery, and every type, sorted by name, so that two compositions of
the same subgraphs differ by nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    NameNode,
    ObjectTypeDefinitionNode,
    OperationType,
    OperationTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
)

from gateway.composition.federation_spec import number_of
from gateway.composition.merged import (
    Demands,
    Merged,
    MergedDirective,
    MergedElement,
    MergedField,
    MergedInput,
    MergedType,
    MergedValue,
    Scopes,
)
from gateway.composition.nodes import Constant, EnumName, directive, text_node, type_node
from gateway.composition.schema import ROOTS, Kind

_AUTH = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"
_ANYWHERE = (
    "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE"
    " | INPUT_OBJECT | INPUT_FIELD_DEFINITION"
)
_JOIN = """
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String,
  external: Boolean, override: String, usedOverridden: Boolean{newer}) repeatable on FIELD_DEFINITION |
  INPUT_FIELD_DEFINITION directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! =
true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
scalar join__FieldSet
scalar link__Import
enum link__Purpose {{ SECURITY EXECUTION }}
"""
_CONTEXT_ARGUMENTS = """
input join__ContextArgument { name: String! type: String! context: String! selection: join__FieldValue! }
scalar join__FieldValue
"""
_SPECS: dict[str, tuple[str, str | None, str]] = {
    "context": (
        "v0.1",
        "SECURITY",
        "directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION\n"
        "directive @context__fromContext(field: context__ContextFieldValue) on ARGUMENT_DEFINITION\n"
        "scalar context__ContextFieldValue",
    ),
    "tag": ("v0.3", None, f"directive @tag(name: String!) repeatable on {_ANYWHERE} | SCHEMA"),
    "cost": (
        "v0.1",
        None,
        "directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION "
        "| OBJECT"
        " | SCALAR\ndirective @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],"
        " requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION",
    ),
    "inaccessible": ("v0.2", "SECURITY", f"directive @inaccessible on {_ANYWHERE}"),
    "policy": (
        "v0.1",
        "SECURITY",
        f"directive @policy(policies: [[policy__Policy!]!]!) on {_AUTH}\nscalar policy__Policy",
    ),
    "requiresScopes": (
        "v0.1",
        "SECURITY",
        f"directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on {_AUTH}\nscalar requiresScopes__Scope",
    ),
    "authenticated": ("v0.1", "SECURITY", f"directive @authenticated on {_AUTH}"),
}
_OPERATIONS = {
    "query": OperationType.QUERY,
    "mutation": OperationType.MUTATION,
    "subscription": OperationType.SUBSCRIPTION,
}


def supergraph_document(merged: Merged) -> DocumentNode:
    """The whole supergraph."""
    executable = [_directive(made) for made in merged.executable.values()]
    types = [_type(merged, merged.types[name]) for name in sorted(merged.types)]
    used = _used_directives(types) | _used_directives(executable)
    specs = [name for name in _SPECS if name in used or (name == "cost" and "listSize" in used)]
    machinery = list(_machinery(merged, specs))
    definitions: list[DefinitionNode] = [_schema(merged, specs), *machinery, *merged.composed, *executable]
    return DocumentNode(definitions=(*definitions, _graphs(merged), *types))


def _schema(merged: Merged, specs: Iterable[str]) -> SchemaDefinitionNode:
    links = [
        directive("link", url="https://specs.apollo.dev/link/v1.0"),
        directive(
            "link", url=f"https://specs.apollo.dev/join/{_join_version(merged)}", **{"for": EnumName("EXECUTION")}
        ),
    ]
    for name in specs:
        version, purpose, _ = _SPECS[name]
        imports: list[Constant] | None = ["@listSize"] if name == "cost" else None
        given = {"import": imports, "for": EnumName(purpose) if purpose else None}
        links.append(directive("link", url=f"https://specs.apollo.dev/{name}/{version}", **given))
    for link in merged.links:
        listed: list[Constant] = [
            written if written == name else {"name": name, "as": written} for name, written in link.imports.items()
        ]
        alias = link.prefix if link.prefix != link.name else None
        purpose = EnumName(link.purpose) if link.purpose else None
        links.append(directive("link", url=link.url, **{"as": alias, "for": purpose, "import": listed}))
    roots = (
        OperationTypeDefinitionNode(operation=_OPERATIONS[operation], type=NamedTypeNode(name=NameNode(value=name)))
        for operation, name in ROOTS.items()
        if name in merged.types
    )
    return SchemaDefinitionNode(description=None, directives=tuple(links), operation_types=tuple(roots))


def _join_version(merged: Merged) -> str:
    newest = max(number_of(subgraph.version) for subgraph in merged.subgraphs.values())
    return "v0.5" if newest >= (2, 8) else "v0.4" if newest >= (2, 7) else "v0.3"


def _machinery(merged: Merged, specs: Iterable[str]) -> Iterator[DefinitionNode]:
    version = _join_version(merged)
    newer = {
        "v0.3": "",
        "v0.4": ", overrideLabel: String",
        "v0.5": ", overrideLabel: String, contextArguments: [join__ContextArgument!]",
    }[version]
    texts = [_JOIN.format(newer=newer)]
    if version == "v0.5":
        texts.append(_CONTEXT_ARGUMENTS)
    texts += [_SPECS[name][2] for name in specs]
    yield from parse("\n".join(texts), no_location=True).definitions


def _graphs(merged: Merged) -> EnumTypeDefinitionNode:
    values = (
        EnumValueDefinitionNode(
            name=NameNode(value=graph),
            directives=(directive("join__graph", name=subgraph.name, url=subgraph.url),),
            description=None,
        )
        for graph, subgraph in merged.subgraphs.items()
    )
    return EnumTypeDefinitionNode(
        name=NameNode(value="join__Graph"), values=tuple(values), directives=(), description=None
    )


def _used_directives(types: Iterable[TypeDefinitionNode | DirectiveDefinitionNode]) -> frozenset[str]:
    found: set[str] = set()
    for type_ in types:
        parts = [*(getattr(type_, "fields", None) or ()), *(getattr(type_, "values", None) or ())]
        arguments = [argument for part in (type_, *parts) for argument in getattr(part, "arguments", None) or ()]
        for node in (type_, *parts, *arguments):
            found.update(each.name.value for each in node.directives or ())
    return frozenset(found)


def _type(merged: Merged, type_: MergedType) -> TypeDefinitionNode:
    name, description = NameNode(value=type_.name), text_node(type_.description)
    own = (*type_.joins, *_contexts(merged, type_), *_own(type_))
    interfaces = tuple(NamedTypeNode(name=NameNode(value=each)) for each in type_.interfaces)
    match type_.kind:
        case Kind.SCALAR:
            return ScalarTypeDefinitionNode(name=name, description=description, directives=own)
        case Kind.UNION:
            members = tuple(NamedTypeNode(name=NameNode(value=member)) for member in type_.members)
            return UnionTypeDefinitionNode(name=name, description=description, directives=own, types=members)
        case Kind.ENUM:
            values = tuple(_value(value) for value in type_.values.values() if value.is_kept)
            return EnumTypeDefinitionNode(name=name, description=description, directives=own, values=values)
        case Kind.INPUT:
            inputs = tuple(_input(each) for each in type_.inputs.values() if each.is_kept)
            return InputObjectTypeDefinitionNode(name=name, description=description, directives=own, fields=inputs)
    fields = tuple(map(_field, type_.fields.values()))
    node = InterfaceTypeDefinitionNode if type_.kind is Kind.INTERFACE else ObjectTypeDefinitionNode
    return node(name=name, description=description, directives=own, interfaces=interfaces, fields=fields)


def _contexts(merged: Merged, type_: MergedType) -> Iterator[ConstDirectiveNode]:
    for graph, declared in type_.by.items():
        for applied in declared.applied("context"):
            yield directive("context", name=f"{merged.name_of(graph)}__{applied.argument('name')}")


def _field(field: MergedField) -> FieldDefinitionNode:
    kept = (each for each in field.arguments.values() if each.is_kept and not each.is_contextual)
    return FieldDefinitionNode(
        name=NameNode(value=field.name),
        description=text_node(field.description),
        arguments=tuple(map(_input, kept)),
        type=type_node(field.type),
        directives=(*field.joins, *_own(field)),
    )


def _input(each: MergedInput) -> InputValueDefinitionNode:
    return InputValueDefinitionNode(
        name=NameNode(value=each.name),
        description=text_node(each.description),
        type=type_node(each.type),
        default_value=each.default,
        directives=(*each.joins, *_own(each)),
    )


def _directive(made: MergedDirective) -> DirectiveDefinitionNode:
    return DirectiveDefinitionNode(
        name=NameNode(value=made.name),
        description=text_node(made.description),
        arguments=tuple(_input(each) for each in made.arguments.values() if each.is_kept),
        repeatable=made.repeatable,
        locations=tuple(NameNode(value=location) for location in made.locations),
    )


def _value(value: MergedValue) -> EnumValueDefinitionNode:
    joins = (directive("join__enumValue", graph=EnumName(graph)) for graph in value.by)
    return EnumValueDefinitionNode(
        name=NameNode(value=value.name), description=text_node(value.description), directives=(*joins, *_own(value))
    )


def _own(element: MergedElement) -> Iterator[ConstDirectiveNode]:
    if element.inaccessible:
        yield directive("inaccessible")
    yield from _demands(element.demands)
    yield from element.directives


def _demands(demands: Demands) -> Iterator[ConstDirectiveNode]:
    if demands.authenticated:
        yield directive("authenticated")
    if demands.scopes:
        yield directive("requiresScopes", scopes=_groups(demands.scopes))
    if demands.policies:
        yield directive("policy", policies=_groups(demands.policies))


def _groups(scopes: Scopes) -> list[Constant]:
    return [list[Constant](group) for group in scopes]
