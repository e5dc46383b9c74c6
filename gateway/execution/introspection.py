"""`__schema` and `__type`, answered from the API schema by graphql-core. Answers are kept: a schema never changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import msgspec
from graphql import GraphQLError, GraphQLSchema, execute_sync, parse
from msgspec import Struct


class IntrospectionAnswer(Struct, frozen=True):
    data: Mapping[str, object] | None
    errors: tuple[GraphQLError, ...]


class Introspection:
    def __init__(self, schema: GraphQLSchema, max_kept: int = 16) -> None:
        self._schema = schema
        self._max_kept = max_kept
        self._kept: OrderedDict[tuple[str, bytes], IntrospectionAnswer] = OrderedDict()

    def answer(self, document: str, variables: Mapping[str, object]) -> IntrospectionAnswer:
        key = (document, msgspec.json.encode(variables, order="sorted"))
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        result = execute_sync(self._schema, parse(document), variable_values=dict(variables))
        answer = IntrospectionAnswer(result.data, tuple(result.errors or ()))
        self._kept[key] = answer
        if len(self._kept) > self._max_kept:
            self._kept.popitem(last=False)
        return answer
