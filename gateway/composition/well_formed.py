"""Is a subgraph's text a GraphQL schema at all, once Federation's own definitions are added?

In: the document without them. Out: INVALID_GRAPHQL for whatever graphql-core's rules for schemas refuse. Extensions
without a definition are allowed: another subgraph has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    ExecutableDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    Node,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ParallelVisitor,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    Undefined,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    build_ast_schema,
    introspection_types,
    print_ast,
    specified_scalar_types,
    validate_schema,
    value_from_ast,
    visit,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS
from graphql.validation.rules.possible_type_extensions import PossibleTypeExtensionsRule
from graphql.validation.specified_rules import specified_sdl_rules
from graphql.validation.validation_context import SDLValidationContext

from gateway.composition.federation_names import FederationNames, names_given
from gateway.composition.federation_spec import LATEST, elements_of
from gateway.composition.problems import Report, place_of
from gateway.supergraph.read import is_only_new

_DEFINITION_OF: dict[type[TypeExtensionNode], type[TypeDefinitionNode]] = {
    ScalarTypeExtensionNode: ScalarTypeDefinitionNode,
    ObjectTypeExtensionNode: ObjectTypeDefinitionNode,
    InterfaceTypeExtensionNode: InterfaceTypeDefinitionNode,
    UnionTypeExtensionNode: UnionTypeDefinitionNode,
    EnumTypeExtensionNode: EnumTypeDefinitionNode,
    InputObjectTypeExtensionNode: InputObjectTypeDefinitionNode,
}
_RULES = [rule for rule in specified_sdl_rules if rule is not PossibleTypeExtensionsRule]
_UNKNOWN_DIRECTIVE = re.compile(r"Unknown directive '@(\w+)'")
_KEYS = {kind: tuple(key for key in keys if key != "name") for kind, keys in QUERY_DOCUMENT_KEYS.items()}
_PARTS = ("directives", "fields", "interfaces", "types", "values")


def check_well_formed(
    document: DocumentNode, names: FederationNames, subgraph: str, report: Report
) -> GraphQLSchema | None:
    """Refuse what is not GraphQL. The schema, where it is one."""
    added = names.definitions(names_given(document))
    whole = DocumentNode(definitions=(*added, *_with_definitions(document.definitions)))
    problems = [*_not_of_a_schema(document), *_against_rules(whole)]
    schema: GraphQLSchema | None = None
    if not problems:
        schema, found = _built(whole)
        problems = [problem for problem in found if not _is_fine_here(problem.message)]
    for problem in problems:
        node = problem.nodes[0] if problem.nodes else None
        message = problem.message.split("\n")[0].rstrip(".")
        unknown = _UNKNOWN_DIRECTIVE.match(message)
        if unknown and f"@{unknown[1]}" in elements_of(LATEST):
            message += ": import it with the @link of Federation, or write it with Federation's prefix"
        report.problem("INVALID_GRAPHQL", f"[{subgraph}] {message}.", place_of(subgraph, node))
    return None if problems else schema


def _against_rules(document: DocumentNode) -> list[GraphQLError]:
    """The same as graphql-core's `validate_sdl`, without looking at each name: no rule does, and they are many."""
    problems: list[GraphQLError] = []
    context = SDLValidationContext(document, None, problems.append)
    visit(document, ParallelVisitor([rule(context) for rule in _RULES]), _KEYS)
    return problems


def _not_of_a_schema(document: DocumentNode) -> Iterator[GraphQLError]:
    """What graphql-core builds a schema without, saying nothing."""
    for node in document.definitions:
        name = getattr(getattr(node, "name", None), "value", "")
        if isinstance(node, ExecutableDefinitionNode):
            yield GraphQLError("A schema has no operations and no fragments", node)
        elif not isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            continue
        elif name in introspection_types:
            yield GraphQLError(f'Type "{name}" is one of introspection\'s: every schema has it', node)
        elif name in specified_scalar_types and not isinstance(node, ScalarTypeDefinitionNode):
            yield GraphQLError(f'Type "{name}" is a scalar that every schema has: it cannot be anything else', node)


def _built(document: DocumentNode) -> tuple[GraphQLSchema | None, list[GraphQLError]]:
    try:
        schema = build_ast_schema(joined_extensions(document), assume_valid_sdl=True)
        problems = validate_schema(schema)
        # In place: graphql-core keeps this list, and would refuse every field set for what is left in it.
        found, problems[:] = list(problems), []
        return schema, [*found, *_bad_values(schema, document)]
    except GraphQLError as problem:
        return None, [problem]
    except TypeError as problem:
        # Some mistakes are too much for it, as a default value where the type is no input type.
        return None, [GraphQLError(str(problem))]


def _bad_values(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """Arguments of directives that are not of their type; graphql-core has no rule for them in schemas."""
    found: list[GraphQLError] = []
    known = {directive.name: directive for directive in schema.directives}
    for node in _applied(document.definitions):
        definition = known.get(node.name.value)
        for argument in node.arguments or ():
            declared = definition.args.get(argument.name.value) if definition else None
            if declared is not None and value_from_ast(argument.value, declared.type) is Undefined:
                value, name = print_ast(argument.value), f"@{node.name.value}({argument.name.value}:)"
                found.append(GraphQLError(f"The value {value} of {name} is not of its type {declared.type}", argument))
    return found


def _applied(nodes: Iterable[Node]) -> Iterator[DirectiveNode]:
    """The directives on definitions and all their parts."""
    for node in nodes:
        yield from getattr(node, "directives", None) or ()
        for part in ("fields", "values", "arguments"):
            yield from _applied(getattr(node, part, None) or ())


def _is_fine_here(message: str) -> bool:
    """A subgraph may have no query; the others are the gateway's own exceptions."""
    return message == "Query root type must be provided." or is_only_new(message)


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
