"""What can be asked of audit: the caller's workspace's log, its checkpoints, and whether it still holds."""

import strawberry

from subgraphs.audit import service
from subgraphs.audit.repository import Repository
from subgraphs.audit.types import Asset, AuditCheckpoint, AuditEvent, AuditVerdict, Workspace, event_log
from subgraphs.serving.connections import Connection, connection_of, page_request, sized_list
from subgraphs.serving.context import Info
from subgraphs.serving.roles import Scope


@strawberry.type
class Query:
    @strawberry.field(directives=sized_list(), description="Everything on record, newest first.")
    async def audit_events(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[AuditEvent] | None:
        return await event_log(info, first, after)

    @strawberry.field
    async def audit_event(self, info: Info, id: strawberry.ID) -> AuditEvent | None:
        return await AuditEvent.resolve_reference(info, id)

    @strawberry.field(directives=sized_list(), description="What was signed, newest first.")
    async def audit_checkpoints(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[AuditCheckpoint] | None:
        info.context.require(Scope.AUDIT_READ)
        request = page_request(first, after)
        async with info.context.reading() as work:
            page = await Repository(work).checkpoints(request, service.index_after(request))
        return connection_of(page, request, AuditCheckpoint.of, lambda checkpoint: (str(checkpoint.size),))

    @strawberry.field(description="Recompute the whole log. `witnessed`: the note of a checkpoint that you kept.")
    async def verify_audit_log(self, info: Info, witnessed: str | None = None) -> AuditVerdict | None:
        info.context.require(Scope.AUDIT_READ)
        # The sequencer goes on meanwhile: entries, tiles and checkpoints have to be of one moment.
        async with info.context.snapshot() as work:
            key = info.context.resources.get(service.CheckpointKey)
            return AuditVerdict.of(await service.verify(work, key, witnessed))


ENTITIES = (Asset, Workspace)
