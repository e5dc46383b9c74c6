"""What went wrong, as `errors` of a response. In: the errors of one execution. Out: their public form.

A refusal shows its sentence and its code of the closed list. Everything unexpected is masked: the caller reads INTERNAL
and a trace id, the log has the rest under that id.
"""

import logging
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError

from subgraphs.serving.errors import FailureCode, RateLimited, Refused

log = logging.getLogger("subgraphs")

GraphQLFormatted = dict[str, Any]


def formatted_failures(errors: Sequence[GraphQLError], trace_id: str, before_execution: bool) -> list[GraphQLFormatted]:
    return [_formatted(error, trace_id, before_execution) for error in errors]


def formatted_refusal(refused: Refused, trace_id: str) -> GraphQLFormatted:
    """A refusal that came before there was an operation, such as a caller token that does not hold."""
    return _formatted(GraphQLError(refused.message, original_error=refused), trace_id, before_execution=True)


def _formatted(error: GraphQLError, trace_id: str, before_execution: bool) -> GraphQLFormatted:
    refused = _refusal_behind(error)
    shown: GraphQLFormatted = {"message": error.message}
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        shown["path"] = list(error.path)
    shown["extensions"] = {"code": str(_code_of(error, refused, before_execution)), "traceId": trace_id}
    if refused is not None:
        shown["message"] = refused.message
        if refused.code != refused.failure:
            shown["extensions"]["reason"] = refused.code
        if isinstance(refused, RateLimited):
            shown["extensions"]["retryAfterMs"] = round(refused.retry_after_s * 1000)
    elif shown["extensions"]["code"] == FailureCode.INTERNAL:
        log.error("trace %s: %s", trace_id, error.message, exc_info=error.original_error or error)
        shown["message"] = "Something failed on our side; the trace id finds it in the log."
    return shown


def _refusal_behind(error: GraphQLError) -> Refused | None:
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause if isinstance(cause, Refused) else None


def _code_of(error: GraphQLError, refused: Refused | None, before_execution: bool) -> FailureCode:
    if refused is not None:
        return refused.failure
    if isinstance(error, GraphQLSyntaxError):
        return FailureCode.GRAPHQL_PARSE_FAILED
    if before_execution:
        return FailureCode.GRAPHQL_VALIDATION_FAILED
    # Without a path no resolver ran: the variables or arguments could not be read.
    if error.path is None or error.original_error is None:
        return FailureCode.BAD_USER_INPUT
    return FailureCode.INTERNAL
