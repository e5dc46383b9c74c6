"""What can be asked of twin."""

from __future__ import annotations

import strawberry

from subgraphs.serving.context import Info
from subgraphs.serving.errors import found
from subgraphs.twin.types import Twin, TwinVersion


@strawberry.type
class Query:
    @strawberry.field
    async def twin(self, info: Info, id: strawberry.ID) -> Twin | None:
        return found(await Twin.resolve_reference(info, id), "Twin")

    @strawberry.field
    async def twin_version(self, info: Info, id: strawberry.ID) -> TwinVersion | None:
        return found(await TwinVersion.resolve_reference(info, id), "TwinVersion")
