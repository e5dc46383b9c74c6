"""Is a subgraph's text a GraphQL schema at all, once Federation's own definitions are added?

In: the document without them. Out: INVALID_GRAPHQL for whatever graphql-core's rules for schemas refuse. Extensions
without a definition are allowed: another subgraph has it.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    GraphQLError,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    build_ast_schema,
    validate_schema,
)
from graphql.validation.rules.possible_type_extensions import PossibleTypeExtensionsRule
from graphql.validation.specified_rules import specified_sdl_rules
from graphql.validation.validate import validate_sdl

from gateway.composition.federation_names import FederationNames, link_definitions, names_given
from gateway.composition.problems import Report, place_of

_DEFINITION_OF: dict[type[TypeExtensionNode], type[TypeDefinitionNode]] = {
    ScalarTypeExtensionNode: ScalarTypeDefinitionNode,
    ObjectTypeExtensionNode: ObjectTypeDefinitionNode,
    InterfaceTypeExtensionNode: InterfaceTypeDefinitionNode,
    UnionTypeExtensionNode: UnionTypeDefinitionNode,
    EnumTypeExtensionNode: EnumTypeDefinitionNode,
    InputObjectTypeExtensionNode: InputObjectTypeDefinitionNode,
}
_RULES = [rule for rule in specified_sdl_rules if rule is not PossibleTypeExtensionsRule]
_PARTS = ("directives", "fields", "interfaces", "types", "values")


def check_well_formed(document: DocumentNode, names: FederationNames, subgraph: str, report: Report) -> None:
    """Refuse what is not GraphQL."""
    taken = names_given(document)
    added = (*link_definitions(taken), *names.definitions(taken))
    whole = DocumentNode(definitions=(*added, *_with_definitions(document.definitions)))
    problems = list(validate_sdl(whole, None, _RULES))
    if not problems:
        problems = [problem for problem in _schema_problems(whole) if not _is_fine_here(problem.message)]
    for problem in problems:
        node = problem.nodes[0] if problem.nodes else None
        message = problem.message.rstrip(".")
        report.problem("INVALID_GRAPHQL", f"[{subgraph}] {message}.", place_of(subgraph, node))


def _schema_problems(document: DocumentNode) -> list[GraphQLError]:
    try:
        return validate_schema(build_ast_schema(joined_extensions(document), assume_valid_sdl=True))
    except GraphQLError as problem:
        return [problem]
    except TypeError as problem:
        # Some mistakes are too much for it, as a default value where the type is no input type.
        return [GraphQLError(str(problem))]


def _is_fine_here(message: str) -> bool:
    """A subgraph may have no query; and it may deprecate what its interface does not, as it long could."""
    return message == "Query root type must be provided." or message.endswith("must not be deprecated.")


def _with_definitions(nodes: Iterable[DefinitionNode]) -> list[DefinitionNode]:
    """The same, with the first extension of a type that is only extended made its definition."""
    nodes = list(nodes)
    defined = {node.name.value for node in nodes if isinstance(node, TypeDefinitionNode)}
    has_schema = any(isinstance(node, SchemaDefinitionNode) for node in nodes)
    found: list[DefinitionNode] = []
    for node in nodes:
        if isinstance(node, TypeExtensionNode) and node.name.value not in defined:
            defined.add(node.name.value)
            node = _definition_of(node)
        elif isinstance(node, SchemaExtensionNode) and not has_schema and node.operation_types:
            has_schema = True
            node = SchemaDefinitionNode(
                directives=node.directives, operation_types=node.operation_types, description=None, loc=node.loc
            )
        found.append(node)
    return found


def _definition_of(node: TypeExtensionNode) -> TypeDefinitionNode:
    values = {key: getattr(node, key) for key in node.keys if key not in ("loc", "description")}
    return _DEFINITION_OF[type(node)](**values, description=None, loc=node.loc)


def joined_extensions(document: DocumentNode) -> DocumentNode:
    """One definition for each type, with all that its extensions add."""
    found: dict[str, DefinitionNode] = {}
    for index, node in enumerate(_with_definitions(document.definitions)):
        if isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            name = node.name.value
            found[name] = _joined(found[name], node) if name in found else node
        elif isinstance(node, DirectiveDefinitionNode):
            found[f"@{node.name.value}"] = node
        else:
            found[f"#{index}"] = node
    return DocumentNode(definitions=tuple(found.values()))


def _joined(one: DefinitionNode, other: DefinitionNode) -> DefinitionNode:
    definition, extension = (other, one) if isinstance(other, TypeDefinitionNode) else (one, other)
    values = {key: getattr(definition, key) for key in definition.keys if key != "loc"}
    for part in _PARTS:
        if part in values:
            values[part] = (*(getattr(one, part, None) or ()), *(getattr(other, part, None) or ()))
    assert extension is not definition
    return type(definition)(**values, loc=definition.loc)
