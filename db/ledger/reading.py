"""Read the ledger as its tenant sees it: entries with their payloads opened, checkpoints.

In: a unit of work. Out: frozen values. A payload whose key was destroyed is None and says so; one that does not open is
None too, and `verifying` says why.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, func, select

from db.ledger.append import EntryId
from db.ledger.entries import Part, place_of
from db.ledger.subject_keys import SubjectKey
from db.lookup import among, table_of
from db.tables.audit import AuditCheckpointRow, AuditEntryRow
from db.unit_of_work import UnitOfWork

Content = Literal["READABLE", "ERASED", "UNREADABLE"]


@dataclass(frozen=True)
class Payload:
    """One part of an entry: what it says, or why it says nothing."""

    content: Content
    value: dict[str, object] | None


@dataclass(frozen=True)
class Entry:
    """One entry; `seq` is None until the sequencer has reached it. `personal` is None where there is no such part."""

    id: EntryId
    seq: int | None
    type: str
    object_id: UUID
    occurred_at: datetime
    technical: Payload
    personal: Payload | None
    subject_id: UUID | None
    leaf_hash: bytes | None


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint as it is kept; `note` is what is signed."""

    size: int
    root: bytes
    note: str
    created_at: datetime


_ENTRIES = table_of(AuditEntryRow).c
_SEQUENCED = select(*_ENTRIES).where(_ENTRIES.seq.is_not(None)).order_by(_ENTRIES.seq.desc())
_PLACE = func.row_number().over(partition_by=_ENTRIES.object_id, order_by=_ENTRIES.seq.desc())
_RANKED = (
    select(_ENTRIES.id, _PLACE.label("place")).where(among(_ENTRIES.object_id), _ENTRIES.seq.is_not(None)).subquery()
)
_NEWEST_OF_EACH = (
    select(*_ENTRIES)
    .join(_RANKED, _ENTRIES.id == _RANKED.c.id)
    .where(_RANKED.c.place <= bindparam("last"))
    .order_by(_ENTRIES.seq.desc())
)


async def entries(
    work: UnitOfWork, after: int | None = None, first: int = 50, object_id: UUID | None = None
) -> list[Entry]:
    """Up to `first` entries with an index above `after`, in the log's order; only those of one object, if given."""
    query = select(AuditEntryRow).where(AuditEntryRow.seq > (-1 if after is None else after))
    if object_id is not None:
        query = query.where(AuditEntryRow.object_id == object_id)
    rows = (await work.session.scalars(query.order_by(AuditEntryRow.seq).limit(first))).all()
    return await _opened(work, list(rows))


async def newest_entries(
    work: UnitOfWork, before: int | None = None, last: int = 50, object_id: UUID | None = None
) -> list[Entry]:
    """Up to `last` entries with an index below `before`, newest first."""
    query = _SEQUENCED
    if before is not None:
        query = query.where(_ENTRIES.seq < before)
    if object_id is not None:
        query = query.where(_ENTRIES.object_id == object_id)
    rows = (await work.session.execute(query.limit(last))).all()
    return await _opened(work, rows)


async def newest_entries_of_each(work: UnitOfWork, object_ids: Collection[UUID], last: int) -> dict[UUID, list[Entry]]:
    """For each of many objects up to `last` of its entries, newest first, in one statement."""
    rows = (await work.session.execute(_NEWEST_OF_EACH, {"keys": list(object_ids), "last": last})).all()
    found: dict[UUID, list[Entry]] = {object_id: [] for object_id in object_ids}
    for opened in await _opened(work, rows):
        found[opened.object_id].append(opened)
    return found


async def entry(work: UnitOfWork, entry_id: UUID) -> Entry | None:
    """One entry, or None when this tenant has none by that id."""
    row = await work.session.scalar(select(AuditEntryRow).where(AuditEntryRow.id == entry_id))
    return None if row is None else (await _opened(work, [row]))[0]


async def checkpoints(work: UnitOfWork, before: int | None = None, last: int = 20) -> list[SignedCheckpoint]:
    """Up to `last` checkpoints of a size below `before`, newest first."""
    query = select(AuditCheckpointRow).order_by(AuditCheckpointRow.size.desc()).limit(last)
    if before is not None:
        query = query.where(AuditCheckpointRow.size < before)
    rows = await work.session.scalars(query)
    return [SignedCheckpoint(row.size, row.root, row.note, row.created_at) for row in rows]


async def _opened(work: UnitOfWork, rows: Sequence[Any]) -> list[Entry]:
    tenant = work.caller.tenant
    subjects: set[UUID] = {tenant, *(row.subject_id for row in rows if row.subject_id)}
    keys = await work.ledger.keyring.load(subjects)
    return [
        Entry(
            id=EntryId(row.id),
            seq=row.seq,
            type=row.type,
            object_id=row.object_id,
            occurred_at=row.occurred_at,
            technical=_payload(row, keys.get(tenant), row.technical, "technical"),
            personal=None
            if row.personal is None or row.subject_id is None
            else _payload(row, keys.get(row.subject_id), row.personal, "personal"),
            subject_id=row.subject_id,
            leaf_hash=row.leaf_hash,
        )
        for row in rows
    ]


def _payload(row: AuditEntryRow, key: SubjectKey | None, sealed: bytes, part: Part) -> Payload:
    if key is None:
        return Payload("ERASED", None)
    plain = key.decrypt(sealed, place_of(row.tenant_id, row.id, part))
    if plain is None:
        return Payload("UNREADABLE", None)
    return Payload("READABLE", cast(dict[str, object], msgspec.json.decode(plain)))
