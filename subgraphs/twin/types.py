"""Twins as the graph shows them, and the entities of others that they hang on."""

from __future__ import annotations

import asyncio
import datetime
from typing import Self
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from subgraphs.serving.connections import Connection, connection_of, page_of, page_request, sized_list
from subgraphs.serving.context import Info
from subgraphs.serving.errors import BadInput
from subgraphs.serving.global_ids import global_id, key_of
from subgraphs.serving.roles import Scope
from subgraphs.serving.scalars import Sha256, moment_text
from subgraphs.twin import loaders, model, repository


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class User:
    id: strawberry.ID


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class Inspection:
    id: strawberry.ID


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class Alignment:
    id: strawberry.ID


@strawberry.federation.type(keys=[Key(fields=FieldSet("id"), resolvable=False)])
class QcDecision:
    id: strawberry.ID


@strawberry.federation.interface_object(keys=["id"])
class Asset:
    id: strawberry.ID

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        return cls(id=id)

    @strawberry.field(description="The asset's digital twin; null until its first inspection is recorded.")
    async def twin(self, info: Info) -> Twin | None:
        info.context.require(Scope.TWINS_READ)
        found = await info.context.loader(loaders.TwinByAssetIdLoader).load(model.AssetId(key_of(self.id, "Asset")))
        return None if found is None else Twin(row=found)


@strawberry.federation.type(keys=["id"])
class Scan:
    id: strawberry.ID

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Self:
        return cls(id=id)

    @strawberry.field(description="The newest twin version that this scan made; null while it has made none.")
    async def twin_version(self, info: Info) -> TwinVersion | None:
        info.context.require(Scope.TWINS_READ)
        found = await info.context.loader(loaders.VersionByScanIdLoader).load(model.ScanId(key_of(self.id, "Scan")))
        return None if found is None else TwinVersion(row=found)


@strawberry.type(description="One content-addressed thing of a version.")
class TwinElement:
    path: str
    kind: str
    sha256: Sha256


@strawberry.type(description="A name that points at a version.")
class TwinRef:
    row: strawberry.Private[model.Ref]

    @strawberry.field
    def name(self) -> str:
        return self.row.name

    @strawberry.field
    async def head(self, info: Info) -> TwinVersion | None:
        return await TwinVersion.load(info, self.row.head_id)

    @strawberry.field
    def moved_at(self) -> datetime.datetime:
        return self.row.moved_at


@strawberry.federation.type(keys=["id"], description="A state of a twin. It never changes; a new one stands beside it.")
class TwinVersion:
    row: strawberry.Private[model.Version]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        info.context.require(Scope.TWINS_READ)
        return await cls.load(info, model.VersionId(key_of(id, "TwinVersion")))

    @classmethod
    async def load(cls, info: Info, id: model.VersionId) -> Self | None:
        found = await info.context.loader(loaders.VersionByIdLoader).load(id)
        return None if found is None else cls(row=found)

    @classmethod
    def of(cls, row: model.Version) -> Self:
        return cls(row=row)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("TwinVersion", self.row.id)

    @strawberry.field
    async def twin(self, info: Info) -> Twin | None:
        return await Twin.load(info, self.row.twin_id)

    @strawberry.field(description="Where it came from; the first is the head that its ref had. None: a first version.")
    async def parents(self, info: Info) -> list[TwinVersion]:
        loader = info.context.loader(loaders.VersionByIdLoader)
        found = await asyncio.gather(*map(loader.load, self.row.parents))
        return [TwinVersion(row=row) for row in found if row is not None]

    @strawberry.field
    def elements(self) -> list[TwinElement]:
        return [TwinElement(path=each.path, kind=each.kind, sha256=Sha256(each.sha256)) for each in self.row.elements]

    @strawberry.field(description="SHA-256 of the elements as canonical JSON: equal content, equal hash.")
    def content_hash(self) -> Sha256:
        return Sha256(self.row.content_hash)

    @strawberry.field
    def message(self) -> str:
        return self.row.message

    @strawberry.field
    def author(self) -> User | None:
        return User(id=global_id("User", self.row.author_id)) if self.row.author_id else None

    @strawberry.field(description="The scan that made it.")
    def scan(self) -> Scan | None:
        made = self.row.provenance
        return Scan(id=global_id("Scan", made.scan_id)) if made else None

    @strawberry.field(description="The alignment in which the scan lies on the nominal shape.")
    def alignment(self) -> Alignment | None:
        made = self.row.provenance
        return Alignment(id=global_id("Alignment", made.alignment_id)) if made else None

    @strawberry.field(description="The inspection that made it.")
    def inspection(self) -> Inspection | None:
        made = self.row.provenance
        return Inspection(id=global_id("Inspection", made.inspection_id)) if made else None

    @strawberry.field(description="The decision that made it.")
    def decision(self) -> QcDecision | None:
        made = self.row.provenance
        return QcDecision(id=global_id("QcDecision", made.decision_id)) if made else None

    @strawberry.field
    def created_at(self) -> datetime.datetime:
        return self.row.created_at


@strawberry.federation.type(keys=["id"], description="The digital twin of one asset: a graph of versions.")
class Twin:
    row: strawberry.Private[model.Twin]

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        info.context.require(Scope.TWINS_READ)
        return await cls.load(info, model.TwinId(key_of(id, "Twin")))

    @classmethod
    async def load(cls, info: Info, id: model.TwinId) -> Self | None:
        found = await info.context.loader(loaders.TwinByIdLoader).load(id)
        return None if found is None else cls(row=found)

    @strawberry.field
    def id(self) -> strawberry.ID:
        return global_id("Twin", self.row.id)

    @strawberry.field
    def asset(self) -> Asset:
        return Asset(id=global_id("Asset", self.row.asset_id))

    @strawberry.field
    async def refs(self, info: Info) -> list[TwinRef]:
        refs = await info.context.loader(loaders.RefsByTwinIdLoader).load(self.row.id)
        return [TwinRef(row=row) for row in refs or []]

    @strawberry.field(description="The version that a ref points at.")
    async def head(self, info: Info, ref: str = model.MAIN) -> TwinVersion | None:
        refs = await info.context.loader(loaders.RefsByTwinIdLoader).load(self.row.id)
        heads = {row.name: row.head_id for row in refs or []}
        return await TwinVersion.load(info, heads[ref]) if ref in heads else None

    @strawberry.field(description="Every version, newest first.", directives=sized_list())
    async def versions(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[TwinVersion]:
        request = page_request(first, after, keyset_length=2)
        async with info.context.reading() as work:
            rows = await repository.versions_of_twin(work, self.row.id, _newest_first(request.limit, request.after))
        return connection_of(
            page_of(rows, request),
            request,
            TwinVersion.of,
            lambda version: (moment_text(version.created_at), str(version.id)),
        )

    @strawberry.field
    def created_at(self) -> datetime.datetime:
        return self.row.created_at


def _newest_first(limit: int, after: tuple[str, ...] | None) -> model.NewestFirst:
    if after is None:
        return model.NewestFirst(limit)
    try:
        return model.NewestFirst(limit, (datetime.datetime.fromisoformat(after[0]), UUID(after[1])))
    except ValueError as unreadable:
        raise BadInput("This cursor belongs to another list.", ("after",)) from unreadable
