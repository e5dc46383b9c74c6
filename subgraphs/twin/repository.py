"""Every query of twin. In: a unit of work and ids. Out: frozen values. Rows never leave this module."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import CursorResult, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from db.lookup import Lookup
from db.outbox import new_id
from db.tables.twin import TwinRefRow, TwinRow, TwinVersionParentRow, TwinVersionRow
from db.unit_of_work import UnitOfWork
from subgraphs.twin.model import (
    AssetId,
    ContentHash,
    Element,
    NewestFirst,
    Provenance,
    Ref,
    ScanId,
    Twin,
    TwinId,
    Version,
    VersionId,
)

_TWINS = Lookup(TwinRow)
_TWINS_OF_ASSETS = Lookup(TwinRow, "asset_id")
_VERSIONS = Lookup(TwinVersionRow)
_PARENTS = Lookup(TwinVersionParentRow, "version_id", order=("position",))
_REFS_OF_TWINS = Lookup(TwinRefRow, "twin_id", order=("twin_id", "name"))


class _Content(msgspec.Struct):
    elements: list[dict[str, str]]


async def twin_of_asset(work: UnitOfWork, asset: AssetId, now: datetime) -> Twin:
    """The asset's twin, made if there is none yet."""
    await work.session.execute(
        insert(TwinRow)
        .values(tenant_id=work.caller.tenant, id=new_id(), asset_id=asset, created_at=now)
        .on_conflict_do_nothing(constraint="uq_twin_asset")
    )
    return (await twins_by_asset(work, [asset]))[asset]


async def twins_by_asset(work: UnitOfWork, assets: Sequence[AssetId]) -> dict[AssetId, Twin]:
    rows = await _TWINS_OF_ASSETS.rows(work.session, assets)
    return {AssetId(row.asset_id): _twin_of(row) for row in rows}


async def twins_by_id(work: UnitOfWork, ids: Sequence[TwinId]) -> dict[TwinId, Twin]:
    rows = await _TWINS.rows(work.session, ids)
    return {TwinId(row.id): _twin_of(row) for row in rows}


async def versions_by_id(work: UnitOfWork, ids: Sequence[VersionId]) -> dict[VersionId, Version]:
    rows = await _VERSIONS.rows(work.session, ids)
    return {version.id: version for version in await _with_parents(work, rows)}


async def version_by_idempotency_key(work: UnitOfWork, twin: TwinId, key: str) -> Version | None:
    rows = await work.session.scalars(
        select(TwinVersionRow).where(TwinVersionRow.twin_id == twin, TwinVersionRow.idempotency_key == key)
    )
    versions = await _with_parents(work, list(rows))
    return versions[0] if versions else None


async def versions_of_twin(work: UnitOfWork, twin: TwinId, page: NewestFirst) -> list[Version]:
    """One more than the page holds: the extra one tells whether there are more."""
    query = select(TwinVersionRow).where(TwinVersionRow.twin_id == twin)
    if page.before is not None:
        query = query.where(tuple_(TwinVersionRow.created_at, TwinVersionRow.id) < tuple_(*page.before))
    query = query.order_by(TwinVersionRow.created_at.desc(), TwinVersionRow.id.desc()).limit(page.limit + 1)
    return await _with_parents(work, list(await work.session.scalars(query)))


async def newest_versions_by_scan(work: UnitOfWork, scans: Sequence[ScanId]) -> dict[ScanId, Version]:
    rows = await work.session.scalars(
        select(TwinVersionRow)
        .where(TwinVersionRow.scan_id.in_(scans))
        .ext(distinct_on(TwinVersionRow.scan_id))
        .order_by(TwinVersionRow.scan_id, TwinVersionRow.created_at.desc(), TwinVersionRow.id.desc())
    )
    versions = await _with_parents(work, list(rows))
    return {ScanId(version.provenance.scan_id): version for version in versions if version.provenance}


async def refs_of_twins(work: UnitOfWork, twins: Sequence[TwinId]) -> dict[TwinId, list[Ref]]:
    rows = await _REFS_OF_TWINS.rows(work.session, twins)
    refs: dict[TwinId, list[Ref]] = defaultdict(list)
    for row in rows:
        refs[TwinId(row.twin_id)].append(Ref(TwinId(row.twin_id), row.name, VersionId(row.head_id), row.moved_at))
    return refs


async def head_of(work: UnitOfWork, twin: TwinId, ref: str) -> VersionId | None:
    head = await work.session.scalar(
        select(TwinRefRow.head_id).where(TwinRefRow.twin_id == twin, TwinRefRow.name == ref)
    )
    return None if head is None else VersionId(head)


async def insert_version(work: UnitOfWork, version: Version, content: str, idempotency_key: str) -> bool:
    """Whether it was written; False when this key, or this decision, has its version already."""
    made = version.provenance
    written = await work.session.scalar(
        insert(TwinVersionRow)
        .values(
            tenant_id=work.caller.tenant,
            id=version.id,
            twin_id=version.twin_id,
            content=content,
            content_hash=version.content_hash,
            message=version.message,
            author_id=version.author_id,
            idempotency_key=idempotency_key,
            scan_id=made.scan_id if made else None,
            alignment_id=made.alignment_id if made else None,
            inspection_id=made.inspection_id if made else None,
            decision_id=made.decision_id if made else None,
            created_at=version.created_at,
        )
        .on_conflict_do_nothing()
        .returning(TwinVersionRow.id)
    )
    if written is None:
        return False
    for position, parent in enumerate(version.parents):
        await work.session.execute(
            insert(TwinVersionParentRow).values(
                tenant_id=work.caller.tenant,
                version_id=version.id,
                position=position,
                twin_id=version.twin_id,
                parent_id=parent,
            )
        )
    return True


async def move_ref(
    work: UnitOfWork, twin: TwinId, ref: str, expected: VersionId | None, head: VersionId, now: datetime
) -> bool:
    """Point the ref at `head` if it still points at `expected` (None: if it does not exist); whether it did."""
    if expected is None:
        made = await work.session.scalar(
            insert(TwinRefRow)
            .values(tenant_id=work.caller.tenant, twin_id=twin, name=ref, head_id=head, moved_at=now)
            .on_conflict_do_nothing()
            .returning(TwinRefRow.name)
        )
        return made is not None
    moved = await work.session.execute(
        update(TwinRefRow)
        .where(TwinRefRow.twin_id == twin, TwinRefRow.name == ref, TwinRefRow.head_id == expected)
        .values(head_id=head, moved_at=now)
    )
    return cast("CursorResult[Any]", moved).rowcount == 1


async def _with_parents(work: UnitOfWork, rows: Sequence[TwinVersionRow]) -> list[Version]:
    parents: dict[UUID, list[VersionId]] = defaultdict(list)
    if rows:
        for edge in await _PARENTS.rows(work.session, [row.id for row in rows]):
            parents[edge.version_id].append(VersionId(edge.parent_id))
    return [_version_of(row, tuple(parents[row.id])) for row in rows]


def _twin_of(row: TwinRow) -> Twin:
    return Twin(TwinId(row.id), AssetId(row.asset_id), row.created_at)


def _version_of(row: TwinVersionRow, parents: tuple[VersionId, ...]) -> Version:
    content = msgspec.json.decode(row.content, type=_Content)
    return Version(
        id=VersionId(row.id),
        twin_id=TwinId(row.twin_id),
        parents=parents,
        elements=tuple(Element(each["path"], each["kind"], each["sha256"]) for each in content.elements),
        content_hash=ContentHash(row.content_hash),
        message=row.message,
        author_id=row.author_id,
        provenance=_provenance_of(row),
        created_at=row.created_at,
    )


def _provenance_of(row: TwinVersionRow) -> Provenance | None:
    match row.scan_id, row.alignment_id, row.inspection_id, row.decision_id:
        case UUID() as scan, UUID() as alignment, UUID() as inspection, UUID() as decision:
            return Provenance(scan, alignment, inspection, decision)
        case _:
            return None
