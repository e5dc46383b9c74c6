"""Judge a tenant's log: recompute everything from the rows and compare it with what was signed.

In: a unit of work, the public key of the checkpoints, and, if somebody outside kept one, a checkpoint to hold the log
to. Out: a `Verdict` of three values. MODIFIED names the first bad index and, where there is one, its record.
CONTENT_ERASED is a log in which every proof holds but some payload's key was destroyed, on purpose and on record. It
changes nothing.

What is compared, entry by entry: the index; the leaf, built anew from the columns, with the row's leaf hash and with
the tile; each payload, decrypted, with its commitment. Then every tile above, and the root and signature of each
checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import func, select

from db.checkpoints import Checkpoint, open_checkpoint, origin_of
from db.errors import CheckpointRefused
from db.ledger.append import SUBJECT_ERASED
from db.ledger.entries import Leaf, Part, place_of
from db.ledger.subject_keys import SubjectKey
from db.merkle import (
    TILE_WIDTH,
    CompactRange,
    TilePlace,
    append_leaves,
    growing_tiles,
    hashes_in,
    leaf_hash,
)
from db.tables.audit import AuditCheckpointRow, AuditEntryRow, AuditTileRow
from db.unit_of_work import UnitOfWork

Status = Literal["INTACT", "MODIFIED", "CONTENT_ERASED"]
_PAGE_TILES = 4


@dataclass(frozen=True)
class Damage:
    """The first index at which the log is not what was signed; the record there, if it is still there; and how so."""

    index: int
    reason: str
    entry: UUID | None = None
    type: str | None = None
    object_id: UUID | None = None


@dataclass(frozen=True)
class Verdict:
    """What the rows say. `pending` entries have no index yet; `erased` ones can be shown only as commitments."""

    status: Status
    size: int
    root: bytes
    checkpoints: int
    pending: int
    erased: int
    damage: Damage | None


@dataclass
class _Judgement:
    """What is known half way through."""

    tenant: UUID
    key: Ed25519PublicKey
    witnessed: Checkpoint | None
    tree: CompactRange = field(default_factory=CompactRange)
    tiles: dict[TilePlace, bytes] = field(default_factory=dict)
    checkpoints: int = 0
    signed: int = 0
    erased: int = 0
    erased_subjects: dict[UUID, int] = field(default_factory=dict)


async def verify(work: UnitOfWork, key: Ed25519PublicKey, witnessed: Checkpoint | None = None) -> Verdict:
    """Judge the log of the caller's tenant. `work` is a snapshot: the sequencer goes on meanwhile."""
    judgement = _Judgement(work.caller.tenant, key, witnessed)
    size = await work.session.scalar(select(func.max(AuditCheckpointRow.size))) or 0
    damage = await _judge(work, judgement, size)
    pending = await work.session.scalar(
        select(func.count()).select_from(AuditEntryRow).where(AuditEntryRow.seq.is_(None))
    )
    status: Status = "MODIFIED" if damage else "CONTENT_ERASED" if judgement.erased else "INTACT"
    root = judgement.tree.root()
    return Verdict(status, size, root, judgement.checkpoints, pending or 0, judgement.erased, damage)


async def _judge(work: UnitOfWork, judgement: _Judgement, size: int) -> Damage | None:
    for start in range(0, size, _PAGE_TILES * TILE_WIDTH):
        end = min(start + _PAGE_TILES * TILE_WIDTH, size)
        if damage := await _judge_page(work, judgement, start, end):
            return damage
    return (
        await _judge_tiles(work, judgement, size)
        or await _judge_uncovered(work, size)
        or await _judge_erasures(work, judgement)
        or _judge_witnessed(judgement, size)
    )


async def _judge_page(work: UnitOfWork, judgement: _Judgement, start: int, end: int) -> Damage | None:
    """Entries from `start` up to `end`, their leaf tiles, and the checkpoints that were signed there."""
    rows = await work.session.scalars(select(AuditEntryRow).where(AuditEntryRow.seq >= start, AuditEntryRow.seq < end))
    by_index = {row.seq: row for row in rows}
    keys = await work.ledger.keyring.load(
        {judgement.tenant, *(row.subject_id for row in by_index.values() if row.subject_id)}
    )
    held = await _leaf_tiles(work, start, end)
    signed = await _checkpoints(work, start, end)
    fresh: list[bytes] = []
    for index in range(start, end):
        row = by_index.get(index)
        if row is None:
            return Damage(index, "the entry is missing")
        leaf = leaf_hash(_leaf(row).at(index))
        reason = _damage_of_row(judgement, row, leaf, keys)
        if reason is None and held.get(index) != leaf:
            reason = "the tree holds another leaf here"
        if reason is not None:
            return Damage(index, reason, row.id, row.type, row.object_id)
        judgement.tree.append(leaf)
        fresh.append(leaf)
        for checkpoint in signed.get(index + 1, ()):
            if damage := _damage_of_checkpoint(judgement, checkpoint):
                return damage
        if damage := _damage_of_witnessed(judgement):
            return damage
    growing = {place: judgement.tiles[place] for place in growing_tiles(start)}
    judgement.tiles |= append_leaves(growing, start, fresh)
    for number in range(start // TILE_WIDTH, end // TILE_WIDTH):
        # Compared already, and not needed to grow: only the tiles above are kept to the end.
        judgement.tiles[TilePlace(0, number)] = b""
    return None


def _leaf(row: AuditEntryRow) -> Leaf:
    return Leaf(
        row.tenant_id,
        row.id,
        row.type,
        row.object_id,
        row.occurred_at,
        row.technical_commitment,
        row.personal_commitment,
    )


def _damage_of_row(
    judgement: _Judgement, row: AuditEntryRow, leaf: bytes, keys: dict[UUID, SubjectKey | None]
) -> str | None:
    """What is wrong with a row by itself; an erased part is counted."""
    if row.leaf_hash != leaf:
        return "the entry is not what its leaf hash was made of"
    erased = False
    parts: list[tuple[Part, UUID, bytes, bytes]] = [
        ("technical", row.tenant_id, row.technical, row.technical_commitment)
    ]
    if row.personal is not None and row.personal_commitment is not None and row.subject_id is not None:
        parts.append(("personal", row.subject_id, row.personal, row.personal_commitment))
    for part, subject, sealed, commitment in parts:
        if subject not in keys:
            return f"the key of its {part} payload is gone without having been destroyed"
        if (key := keys[subject]) is None:
            erased = True
            judgement.erased_subjects.setdefault(subject, row.seq or 0)
            continue
        plain = key.decrypt(sealed, place_of(row.tenant_id, row.id, part))
        if plain is None or key.commitment(row.id, plain) != commitment:
            return f"its {part} payload is not what was committed to"
    judgement.erased += erased
    return None


def _damage_of_checkpoint(judgement: _Judgement, row: AuditCheckpointRow) -> Damage | None:
    """Whether the tree so far is what was signed at this size."""
    judgement.checkpoints += 1
    since = f"in entries {judgement.signed} to {row.size - 1} the log is not what the checkpoint of {row.size} signed"
    try:
        told = open_checkpoint(row.note, origin_of(judgement.tenant), judgement.key)
    except CheckpointRefused as refused:
        return Damage(judgement.signed, f"{refused} (size {row.size})")
    if told != Checkpoint(told.origin, row.size, judgement.tree.root()) or row.root != told.root:
        return Damage(judgement.signed, since)
    judgement.signed = row.size
    return None


def _damage_of_witnessed(judgement: _Judgement) -> Damage | None:
    """Whether the tree so far is what somebody outside was shown at this size."""
    told = judgement.witnessed
    if told is None or told.size != judgement.tree.size or told.root == judgement.tree.root():
        return None
    return Damage(0, f"the log's first {told.size} entries are not those that the witness saw")


async def _leaf_tiles(work: UnitOfWork, start: int, end: int) -> dict[int, bytes]:
    """The leaf hashes that the tiles hold, by index."""
    rows = await work.session.execute(
        select(AuditTileRow.index, AuditTileRow.hashes).where(
            AuditTileRow.level == 0,
            AuditTileRow.index >= start // TILE_WIDTH,
            AuditTileRow.index <= (end - 1) // TILE_WIDTH,
        )
    )
    return {number * TILE_WIDTH + offset: leaf for number, tile in rows for offset, leaf in enumerate(hashes_in(tile))}


async def _checkpoints(work: UnitOfWork, start: int, end: int) -> dict[int, Sequence[AuditCheckpointRow]]:
    """The checkpoints of sizes above `start` up to `end`, by size."""
    rows = await work.session.scalars(
        select(AuditCheckpointRow).where(AuditCheckpointRow.size > start, AuditCheckpointRow.size <= end)
    )
    return {row.size: [row] for row in rows}


async def _judge_tiles(work: UnitOfWork, judgement: _Judgement, size: int) -> Damage | None:
    """Every tile above the leaves, and that there is no tile too many or too wide."""
    rows = await work.session.execute(
        select(AuditTileRow.level, AuditTileRow.index, func.octet_length(AuditTileRow.hashes), AuditTileRow.hashes)
        .where(AuditTileRow.level > 0)
        .order_by(AuditTileRow.level, AuditTileRow.index)
    )
    above = {TilePlace(level, number): hashes for level, number, _, hashes in rows}
    wanted = {place: tile for place, tile in judgement.tiles.items() if place.level > 0}
    for place in sorted(above.keys() | wanted.keys(), key=lambda place: (place.level, place.number)):
        if above.get(place) != wanted.get(place):
            first = place.number * TILE_WIDTH ** (place.level + 1)
            return Damage(first, f"tile {place.number} of level {place.level} is not what the entries below it make")
    widths = await work.session.execute(
        select(AuditTileRow.index, func.octet_length(AuditTileRow.hashes)).where(AuditTileRow.level == 0)
    )
    held = sum(width for _, width in widths) // 32
    return Damage(size, f"the tiles hold {held} leaves, the log {size}") if held != size else None


async def _judge_uncovered(work: UnitOfWork, size: int) -> Damage | None:
    """Entries with an index that no checkpoint covers."""
    first = await work.session.scalar(
        select(func.min(AuditEntryRow.seq)).where((AuditEntryRow.seq >= size) | (AuditEntryRow.seq < 0))
    )
    return None if first is None else Damage(first, "no checkpoint covers the entry")


async def _judge_erasures(work: UnitOfWork, judgement: _Judgement) -> Damage | None:
    """Destroyed keys whose destruction no entry tells of."""
    told = set(await work.session.scalars(select(AuditEntryRow.object_id).where(AuditEntryRow.type == SUBJECT_ERASED)))
    untold = [index for subject, index in judgement.erased_subjects.items() if subject not in told]
    return Damage(min(untold), "its key was destroyed and no entry tells of it") if untold else None


def _judge_witnessed(judgement: _Judgement, size: int) -> Damage | None:
    told = judgement.witnessed
    if told is None or told.size <= size:
        return None
    return Damage(size, f"the log has {size} entries, the witness saw {told.size}")
