"""Outcomes of a mutation that are data, not faults: members of its union, all of the interface `Problem`.

A subgraph makes a problem type for an error of its own in two lines, and names it in the mutation's union:

    @strawberry.type
    class HeadMoved(Problem): ...

    HANDLERS = [ShownAs(HeadMovedError, HeadMoved)]      # given to the schema: raised below, answered as data

`NotFoundProblem`, `InvalidInput`, `ConflictProblem` and `NotAllowed` are the ones that subgraphs share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import strawberry

from subgraphs.serving.errors import BadInput, Conflict, Forbidden, NotFound, Refused


@strawberry.interface(description="Why a mutation did not do what was asked, for a program and for a person.")
class Problem:
    code: str = strawberry.field(description="Stable; programs compare it.")
    message: str = strawberry.field(description="What happened and what to do, in a sentence.")
    path: list[str] = strawberry.field(description="The input that is to blame; empty when no single one is.")
    retryable: bool = strawberry.field(description="Whether the same call may work later.")

    @classmethod
    def of(cls, refused: Refused) -> Self:
        """The problem that shows this refusal. A type with more fields overrides it."""
        return cls(code=refused.code, message=refused.message, path=list(refused.path), retryable=refused.retryable)


@strawberry.federation.type(shareable=True, description="An id that names nothing that the caller may see.")
class NotFoundProblem(Problem): ...


@strawberry.federation.type(shareable=True, description="An input that no rule could accept.")
class InvalidInput(Problem): ...


@strawberry.federation.type(shareable=True, description="The world moved, or the idempotency key was used before.")
class ConflictProblem(Problem): ...


@strawberry.federation.type(shareable=True, description="The caller lacks a scope.")
class NotAllowed(Problem): ...


@dataclass(frozen=True)
class ShownAs:
    """Answers `exception_type` with `error_type` wherever a field's union holds that type; Strawberry's protocol.

    Where the union does not hold it, Strawberry leaves the refusal alone and it becomes an entry of `errors`.
    """

    exception_type: type[Refused]
    error_type: type[Problem]

    def handle(self, exception: Refused, *, field: object, info: object) -> Problem:
        return self.error_type.of(exception)


COMMON_HANDLERS: Sequence[ShownAs] = (
    ShownAs(NotFound, NotFoundProblem),
    ShownAs(BadInput, InvalidInput),
    ShownAs(Conflict, ConflictProblem),
    ShownAs(Forbidden, NotAllowed),
)
