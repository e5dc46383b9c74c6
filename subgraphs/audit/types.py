"""Audit's part of the graph: events, checkpoints and the verdict, and where they hang on assets and workspaces.

Needs audit:read everywhere. An asset of another workspace has an empty trail, as has one that does not exist.
"""

import datetime
from enum import StrEnum
from typing import Self

import msgspec
import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from db.ledger import reading, verifying
from subgraphs.audit import service
from subgraphs.audit.loaders import NewestEventsByObjectIdLoader
from subgraphs.audit.repository import Repository
from subgraphs.serving.connections import Connection, connection_of, page_of, page_request, sized_list
from subgraphs.serving.context import Info
from subgraphs.serving.errors import NotFound
from subgraphs.serving.global_ids import decode_global_id, global_id, key_of
from subgraphs.serving.roles import Scope
from subgraphs.serving.scalars import Sha256

ASSET_TYPES = ("Asset",)


@strawberry.enum
class PayloadContent(StrEnum):
    READABLE = "READABLE"
    ERASED = "ERASED"
    UNREADABLE = "UNREADABLE"


@strawberry.enum(description="CONTENT_ERASED: every proof holds, but something was erased on purpose and on record.")
class AuditStatus(StrEnum):
    INTACT = "INTACT"
    MODIFIED = "MODIFIED"
    CONTENT_ERASED = "CONTENT_ERASED"


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class User:
    id: strawberry.ID


@strawberry.type(description="One part of an event: what it says, or why it says nothing.")
class AuditPayload:
    content: PayloadContent
    json: str | None = strawberry.field(description="The payload as canonical JSON text.")

    @classmethod
    def of(cls, payload: reading.Payload) -> Self:
        json = None if payload.value is None else msgspec.json.encode(payload.value, order="sorted").decode()
        return cls(content=PayloadContent(payload.content), json=json)


@strawberry.federation.type(keys=["id"], description="One entry of the workspace's log.")
class AuditEvent:
    id: strawberry.ID
    index: int | None = strawberry.field(description="Its place in the log; none until the sequencer has reached it.")
    type: str
    object_key: str = strawberry.field(description="The UUID of what it happened to.")
    occurred_at: datetime.datetime
    technical: AuditPayload
    personal: AuditPayload | None
    subject: User | None = strawberry.field(description="The person whom the personal part is about.")
    leaf_hash: Sha256 | None

    @classmethod
    def of(cls, entry: reading.Entry) -> Self:
        return cls(
            id=global_id("AuditEvent", entry.id),
            index=entry.seq,
            type=entry.type,
            object_key=str(entry.object_id),
            occurred_at=entry.occurred_at,
            technical=AuditPayload.of(entry.technical),
            personal=None if entry.personal is None else AuditPayload.of(entry.personal),
            subject=None if entry.subject_id is None else User(id=global_id("User", entry.subject_id)),
            leaf_hash=None if entry.leaf_hash is None else Sha256(entry.leaf_hash.hex()),
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self:
        info.context.require(Scope.AUDIT_READ)
        key = key_of(id, "AuditEvent")
        async with info.context.reading() as work:
            return cls.of(await service.event(work, key))


@strawberry.type(description="A signed statement of the log's size and root. Keep one: the log can be held to it.")
class AuditCheckpoint:
    size: int
    root_hash: Sha256
    note: str = strawberry.field(description="The signed text (C2SP tlog-checkpoint).")
    created_at: datetime.datetime

    @classmethod
    def of(cls, checkpoint: reading.SignedCheckpoint) -> Self:
        return cls(
            size=checkpoint.size,
            root_hash=Sha256(checkpoint.root.hex()),
            note=checkpoint.note,
            created_at=checkpoint.created_at,
        )


@strawberry.type(description="The first place at which the log is not what was signed.")
class AuditDamage:
    index: int
    reason: str
    event_id: strawberry.ID | None
    type: str | None
    object_key: str | None

    @classmethod
    def of(cls, damage: verifying.Damage) -> Self:
        return cls(
            index=damage.index,
            reason=damage.reason,
            event_id=None if damage.entry is None else global_id("AuditEvent", damage.entry),
            type=damage.type,
            object_key=None if damage.object_id is None else str(damage.object_id),
        )


@strawberry.type(description="What recomputing the whole log showed.")
class AuditVerdict:
    status: AuditStatus
    size: int
    root_hash: Sha256
    checkpoints: int = strawberry.field(description="How many signed checkpoints were compared.")
    pending: int = strawberry.field(description="Events that wait for their index.")
    erased: int = strawberry.field(description="Events of which only the commitment can be shown.")
    damage: AuditDamage | None

    @classmethod
    def of(cls, verdict: verifying.Verdict) -> Self:
        return cls(
            status=AuditStatus(verdict.status),
            size=verdict.size,
            root_hash=Sha256(verdict.root.hex()),
            checkpoints=verdict.checkpoints,
            pending=verdict.pending,
            erased=verdict.erased,
            damage=None if verdict.damage is None else AuditDamage.of(verdict.damage),
        )


def _place(entry: reading.Entry) -> tuple[str, ...]:
    return (str(entry.seq),)


async def event_log(info: Info, first: int | None, after: str | None) -> Connection[AuditEvent]:
    """A page of the workspace's log, newest first."""
    info.context.require(Scope.AUDIT_READ)
    request = page_request(first, after)
    async with info.context.reading() as work:
        page = await Repository(work).events(request, service.index_after(request))
    return connection_of(page, request, AuditEvent.of, _place)


@strawberry.federation.interface_object(keys=["id"])
class Asset:
    id: strawberry.ID

    @strawberry.field(directives=sized_list(), description="What happened to this asset, newest first.")
    async def audit_trail(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[AuditEvent] | None:
        info.context.require(Scope.AUDIT_READ)
        request = page_request(first, after)
        _, key = decode_global_id(self.id, ASSET_TYPES)
        if (before := service.index_after(request)) is None:
            newest = await info.context.loader(NewestEventsByObjectIdLoader).load((key, request.limit + 1))
            page = page_of(newest or (), request)
        else:
            async with info.context.reading() as work:
                page = await Repository(work).events(request, before, key)
        return connection_of(page, request, AuditEvent.of, _place)

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self:
        decode_global_id(id, ASSET_TYPES)
        return cls(id=id)


@strawberry.federation.type(keys=["id"])
class Workspace:
    id: strawberry.ID

    @strawberry.field(directives=sized_list(), description="Everything on record, newest first.")
    async def audit_log(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[AuditEvent] | None:
        return await event_log(info, first, after)

    @classmethod
    def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self:
        if key_of(id, "Workspace") != info.context.known_caller().tenant:
            raise NotFound("Workspace")
        return cls(id=id)
