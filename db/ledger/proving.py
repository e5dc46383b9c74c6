"""Proofs from the tiles: that an entry is in the log, that a newer log continues an older one.

In: a unit of work. Out: hashes and signed notes that anybody can check with `db.merkle` and the public key, offline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, tuple_

from db.errors import EntryNotSequenced, MerkleError
from db.ledger.entries import Leaf, Part, place_of
from db.ledger.reading import SignedCheckpoint, checkpoints
from db.ledger.subject_keys import SubjectKey
from db.merkle import Range, TilePlace, consistency_ranges, hash_of_range, inclusion_ranges, tiles_of
from db.tables.audit import AuditEntryRow, AuditTileRow
from db.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Opening:
    """One part of an entry shown: the payload's canonical bytes and the salt under which the leaf commits to them."""

    payload: bytes
    salt: bytes


@dataclass(frozen=True)
class InclusionProof:
    """`leaf.at(index)` is leaf `index` of the tree that `checkpoint` signs. A part that was erased has no opening."""

    leaf: Leaf
    index: int
    hashes: tuple[bytes, ...]
    checkpoint: SignedCheckpoint
    technical: Opening | None
    personal: Opening | None


async def prove_inclusion(work: UnitOfWork, entry: UUID) -> InclusionProof:
    """The proof for one entry, against the newest checkpoint."""
    row = await work.session.scalar(select(AuditEntryRow).where(AuditEntryRow.id == entry))
    newest = await checkpoints(work, last=1)
    if row is None or row.seq is None or not newest or row.seq >= newest[0].size:
        raise EntryNotSequenced(entry)
    subjects: set[UUID] = {row.tenant_id} | ({row.subject_id} if row.subject_id else set())
    keys = await work.ledger.keyring.load(subjects)
    leaf = Leaf(
        row.tenant_id,
        row.id,
        row.type,
        row.object_id,
        row.occurred_at,
        row.technical_commitment,
        row.personal_commitment,
    )
    return InclusionProof(
        leaf=leaf,
        index=row.seq,
        hashes=await _hashes(work, inclusion_ranges(row.seq, newest[0].size)),
        checkpoint=newest[0],
        technical=_opening(row, keys.get(row.tenant_id), row.technical, "technical"),
        personal=_opening(row, keys.get(row.subject_id), row.personal, "personal") if row.subject_id else None,
    )


async def prove_consistency(work: UnitOfWork, older: int, newer: int) -> tuple[bytes, ...]:
    """The proof that the log of `newer` entries continues the log of `older`."""
    newest = await checkpoints(work, last=1)
    if not newest or newer > newest[0].size:
        raise MerkleError(f"The log has no {newer} entries yet.")
    return await _hashes(work, consistency_ranges(older, newer))


async def _hashes(work: UnitOfWork, ranges: Sequence[Range]) -> tuple[bytes, ...]:
    places = [(place.level, place.number) for place in tiles_of(ranges)]
    rows = await work.session.execute(
        select(AuditTileRow.level, AuditTileRow.index, AuditTileRow.hashes).where(
            tuple_(AuditTileRow.level, AuditTileRow.index).in_(places)
        )
    )
    tiles = {TilePlace(level, number): hashes for level, number, hashes in rows}
    return tuple(hash_of_range(tiles, leaves) for leaves in ranges)


def _opening(row: AuditEntryRow, key: SubjectKey | None, sealed: bytes | None, part: Part) -> Opening | None:
    if key is None or sealed is None:
        return None
    plain = key.decrypt(sealed, place_of(row.tenant_id, row.id, part))
    return None if plain is None else Opening(plain, key.record_salt(row.id))
