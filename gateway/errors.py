"""What may go wrong in the gateway, as one tree; and the closed list of codes that a client may meet.

    GatewayError
    ├── RequestRefused        the operation never ran: nothing but errors goes back
    │   ├── OperationInvalid  it does not parse, does not validate, or its variables do not fit (carries every reason)
    │   ├── LimitExceeded     it is larger or deeper than allowed
    │   ├── Overloaded        there is more to do than can be done in time
    │   ├── Unauthorised      its caller may not see what it asks for (carries every place)
    │   └── Unauthenticated   the caller's token is not what it claims
    └── SubgraphFailed        one subgraph request came to nothing (see gateway/client/errors.py)

Packages add leaves in their own `errors.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from graphql import GraphQLError


class ErrorCode(StrEnum):
    """`errors[].extensions.code`. A subgraph's code outside this list reaches clients as INTERNAL."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    UNAUTHORIZED_FIELD_OR_TYPE = "UNAUTHORIZED_FIELD_OR_TYPE"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    NOT_FOUND = "NOT_FOUND"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    CONFLICT = "CONFLICT"
    RATE_LIMITED = "RATE_LIMITED"
    COST_LIMIT_EXCEEDED = "COST_LIMIT_EXCEEDED"
    COST_ESTIMATED_TOO_EXPENSIVE = "COST_ESTIMATED_TOO_EXPENSIVE"
    PERSISTED_DOCUMENT_NOT_FOUND = "PERSISTED_DOCUMENT_NOT_FOUND"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    SUBGRAPH_UNAVAILABLE = "SUBGRAPH_UNAVAILABLE"
    SUBGRAPH_TIMEOUT = "SUBGRAPH_TIMEOUT"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    REGION_MISMATCH = "REGION_MISMATCH"
    SCHEMA_CHANGED = "SCHEMA_CHANGED"
    SLOW_CONSUMER = "SLOW_CONSUMER"
    OVERLOADED = "OVERLOADED"
    INTERNAL = "INTERNAL"


class GatewayError(Exception):
    """Anything the gateway says no to. `code` is what the client may act on."""

    code: ErrorCode = ErrorCode.INTERNAL


class RequestRefused(GatewayError):
    """The operation was not executed."""

    code = ErrorCode.BAD_USER_INPUT

    @property
    def told(self) -> tuple[tuple[str, object], ...]:
        """What else the client learns of it: entries of its `extensions`."""
        return ()


class OperationInvalid(RequestRefused):
    """The operation or its variables are wrong; `errors` holds every reason, each with its place in the text."""

    def __init__(self, code: ErrorCode, errors: Sequence[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.code = code
        self.errors = tuple(errors)


class LimitExceeded(RequestRefused):
    """The operation passes a limit of this gateway."""

    code = ErrorCode.COST_LIMIT_EXCEEDED

    def __init__(self, what: str, allowed: int) -> None:
        super().__init__(f"The operation has more than {allowed} {what}.")
        self.what, self.allowed = what, allowed


class Overloaded(RequestRefused):
    """The same may be asked again, a little later."""

    code = ErrorCode.OVERLOADED

    def __init__(self) -> None:
        super().__init__("The gateway has more new operations to plan than it can; try again in a moment.")


class Unauthorised(RequestRefused):
    """The caller may not see these places, and so gets nothing."""

    code = ErrorCode.UNAUTHORIZED_FIELD_OR_TYPE
    MESSAGE = "Unauthorized field or type"

    def __init__(self, paths: Sequence[tuple[str, ...]]) -> None:
        super().__init__(self.MESSAGE)
        self.paths = tuple(paths)


class Unauthenticated(RequestRefused):
    """A token was sent and cannot be believed. The reason is for the log; the client learns only that it failed."""

    code = ErrorCode.UNAUTHENTICATED

    def __init__(self, reason: str) -> None:
        super().__init__("The access token is not valid.")
        self.reason = reason


class SubgraphFailed(GatewayError):
    """One request to one subgraph came to nothing."""

    code = ErrorCode.SUBGRAPH_UNAVAILABLE
