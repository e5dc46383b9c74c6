"""How long an operation may take, as whoever asks says in a header: what comes later, nobody waits for.

In: the header's text, a document. Out: seconds, or None for a header that says nothing, and whether a document changes
something: what has begun to change is ended, so that its outcome is that of its transactions and not of a clock.
"""

from __future__ import annotations

from functools import lru_cache

from graphql import GraphQLError, OperationType, get_operation_ast, parse

HEADER = "X-Request-Timeout-Ms"
_LONGEST_TEXT = 9
_KEPT = 1024


def seconds_in(text: str | None) -> float | None:
    if text is None or len(text) > _LONGEST_TEXT or not (text.isascii() and text.isdigit()):
        return None
    return int(text) / 1000


@lru_cache(_KEPT)
def changes_something(document: str, operation_name: str | None) -> bool:
    try:
        operation = get_operation_ast(parse(document, no_location=True), operation_name)
    except (GraphQLError, RecursionError):
        return False
    return operation is not None and operation.operation is OperationType.MUTATION
