"""Variables that an operation accepts, to look at it without running it. In: a schema and a document. Out: values."""

from __future__ import annotations

from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    type_from_ast,
)

OF_SCALARS: dict[str, object] = {"Int": 1, "Float": 1.0, "Boolean": True, "DateTime": "2026-01-01T00:00:00Z"}
OF_SCALARS |= {"SHA256": "0" * 64, "Decimal": "1", "Vec3": [0, 0, 0], "Matrix4": [0] * 16, "BigInt": 1, "_Any": {}}


def variables_for(schema: GraphQLSchema, document: DocumentNode) -> dict[str, object]:
    """Something for each variable that must have a value."""
    made = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            for variable in definition.variable_definitions or ():
                kind = type_from_ast(schema, variable.type)
                if isinstance(kind, GraphQLNonNull):
                    made[variable.variable.name.value] = value_for(kind.of_type)
    return made


def value_for(kind: GraphQLInputType) -> object:
    if isinstance(kind, GraphQLList):
        return []
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        needed = {name: each.type for name, each in kind.fields.items() if isinstance(each.type, GraphQLNonNull)}
        return {name: value_for(each.of_type) for name, each in needed.items()}
    return OF_SCALARS.get(kind.name, "text")
