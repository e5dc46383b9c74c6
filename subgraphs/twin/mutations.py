"""What can be changed in a twin. Refusals are answered as data."""

from __future__ import annotations

from typing import Annotated, Self

import strawberry

from subgraphs.serving.context import Info
from subgraphs.serving.errors import Refused
from subgraphs.serving.global_ids import global_id, key_of
from subgraphs.serving.problems import (
    ConflictProblem,
    InvalidInput,
    NotAllowed,
    NotFoundProblem,
    Problem,
    ShownAs,
)
from subgraphs.serving.scalars import Sha256
from subgraphs.twin import errors, model, service
from subgraphs.twin.types import TwinVersion


@strawberry.type(description="The ref points elsewhere than expected.")
class HeadMoved(Problem):
    head: strawberry.ID | None = strawberry.field(description="Where the ref points now.")

    @classmethod
    def of(cls, refused: Refused) -> Self:
        assert isinstance(refused, errors.HeadMoved)
        return cls(
            code=refused.code,
            message=refused.message,
            path=list(refused.path),
            retryable=refused.retryable,
            head=global_id("TwinVersion", refused.head) if refused.head else None,
        )


HANDLERS = [ShownAs(errors.HeadMoved, HeadMoved)]


@strawberry.input
class TwinElementInput:
    path: str
    kind: str
    sha256: Sha256


@strawberry.input
class CommitTwinVersionInput:
    twin_id: strawberry.ID
    elements: list[TwinElementInput]
    message: str
    idempotency_key: str
    expected_head: strawberry.ID | None = strawberry.field(
        default=None, description="The version that the ref points at; left out: the ref is new."
    )
    ref: str = model.MAIN
    merged_parents: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Further parents, taken in from other branches."
    )


@strawberry.type
class TwinVersionCommitted:
    version: TwinVersion


CommitTwinVersionResult = Annotated[
    TwinVersionCommitted | HeadMoved | NotFoundProblem | InvalidInput | ConflictProblem | NotAllowed,
    strawberry.union("CommitTwinVersionResult"),
]


def _version_id(id: strawberry.ID) -> model.VersionId:
    return model.VersionId(key_of(id, "TwinVersion"))


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Commit a version on top of the head that was seen.")
    async def commit_twin_version(self, info: Info, input: CommitTwinVersionInput) -> CommitTwinVersionResult:
        elements = [model.Element(each.path, each.kind, each.sha256) for each in input.elements]
        async with info.context.changing() as work:
            version = await service.commit_version(
                work,
                model.TwinId(key_of(input.twin_id, "Twin")),
                input.ref,
                _version_id(input.expected_head) if input.expected_head else None,
                [_version_id(id) for id in input.merged_parents],
                elements,
                input.message,
                input.idempotency_key,
                info.context.resources.now(),
            )
        return TwinVersionCommitted(version=TwinVersion.of(version))
