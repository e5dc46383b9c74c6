"""What is read of a text, and what of it stays in memory with a part of it."""

from __future__ import annotations

import gc

from graphql import OperationDefinitionNode, Token, build_schema, get_location

from gateway.operation.reading import OperationReader
from gateway.settings import Limits

SCHEMA = build_schema("type Query { find(name: String!): String }")


def tokens_in_memory() -> int:
    gc.collect()
    return sum(type(each) is Token for each in gc.get_objects())


def test_who_keeps_the_variables_does_not_keep_the_text_token_by_token() -> None:
    finds = " ".join(f"f{i}: find(name: $name)" for i in range(100))
    before = tokens_in_memory()
    kept = []
    for number in range(5):
        reader = OperationReader(SCHEMA, Limits(), development=False)
        document = reader.document(f"query Q{number}(\n  $name: String!) {{ {finds} }}")
        definition = document.definitions[0]
        assert isinstance(definition, OperationDefinitionNode)
        kept.append(definition.variable_definitions)
        del document, definition, reader
    # Of 800 tokens each, those of the variable's definition: 6.
    assert tokens_in_memory() - before <= 5 * 6
    place = kept[-1][0].loc
    assert place is not None
    assert get_location(place.source, place.start) == (2, 3)
