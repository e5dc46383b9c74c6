"""What a subgraph may refuse, as one tree. An error keeps its facts; `failures` and `problems` show them.

    Refused                   the rules said no; carries a stable `code` and one code of the closed list
    ├── Unauthenticated       nobody is asking, or the caller token does not hold
    ├── Forbidden             the caller lacks a scope (only for things of the caller's own workspace)
    ├── NotFound              no such thing for this caller; also what a foreign id is
    ├── BadInput              an argument that no rule could accept
    ├── Conflict              the world moved: an idempotency key used for something else, a head that moved
    ├── RateLimited           too many attempts; says when to come back
    ├── QuotaExceeded         the plan does not allow it
    └── TooLate               the time that the gateway gave is over

A package's own `errors.py` grows from these: the subclass sets `code`, its base decides the code of the closed list.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

Thing = TypeVar("Thing")


class FailureCode(StrEnum):
    """The closed list of `errors[].extensions.code` that a subgraph may answer with."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    NOT_FOUND = "NOT_FOUND"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    CONFLICT = "CONFLICT"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    SUBGRAPH_TIMEOUT = "SUBGRAPH_TIMEOUT"
    SLOW_CONSUMER = "SLOW_CONSUMER"
    INTERNAL = "INTERNAL"


class Refused(Exception):
    """The rules said no. `path` names the input that is to blame, `retryable` whether the same call may work later."""

    failure: FailureCode = FailureCode.BAD_USER_INPUT
    code: str = "REFUSED"
    retryable: bool = False

    def __init__(self, message: str, path: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = tuple(path)


class Unauthenticated(Refused):
    failure = FailureCode.UNAUTHENTICATED
    code = "UNAUTHENTICATED"

    def __init__(self, message: str = "Sign in first.") -> None:
        super().__init__(message)


class Forbidden(Refused):
    failure = FailureCode.FORBIDDEN
    code = "FORBIDDEN"

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs the scope {scope}.")
        self.scope = scope


class NotFound(Refused):
    failure = FailureCode.NOT_FOUND
    code = "NOT_FOUND"

    def __init__(self, kind: str, path: Sequence[str] = ()) -> None:
        # The id is not repeated: an answer that quotes it would look different for a foreign and a made-up id.
        super().__init__(f"No such {kind}.", path)
        self.kind = kind


def found(thing: Thing | None, kind: str) -> Thing:
    """The thing that was asked for by its id; a foreign or unknown one answers null with NOT_FOUND."""
    if thing is None:
        raise NotFound(kind)
    return thing


class BadInput(Refused):
    failure = FailureCode.BAD_USER_INPUT
    code = "BAD_USER_INPUT"


class Conflict(Refused):
    failure = FailureCode.CONFLICT
    code = "CONFLICT"


class RateLimited(Refused):
    failure = FailureCode.RATE_LIMITED
    code = "RATE_LIMITED"
    retryable = True

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QuotaExceeded(Refused):
    failure = FailureCode.QUOTA_EXCEEDED
    code = "QUOTA_EXCEEDED"


class TooLate(Refused):
    failure = FailureCode.SUBGRAPH_TIMEOUT
    code = "SUBGRAPH_TIMEOUT"
    retryable = True

    def __init__(self) -> None:
        super().__init__("The time that was given for this is over.")
