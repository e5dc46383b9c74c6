"""Give entries their index, grow the tree, sign what it became: as role d2r_sequencer.

In: an engine of that role and the checkpoint key. Out: gap-free indexes per tenant, tiles, a checkpoint a batch. One
sequencer at a time works on a tenant; it sees commitments and never a payload. It refuses to build on a tree that is
not the one it signed last: a change to the tiles must not be covered by a new signature.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.checkpoints import Checkpoint, open_checkpoint, origin_of, sign_checkpoint
from db.errors import CheckpointRefused, LogDiffers, MerkleError
from db.ledger.entries import Leaf
from db.merkle import EMPTY_ROOT, Range, TilePlace, append_leaves, growing_tiles, hash_of_range, leaf_hash

CHANNEL = "d2r_ledger"
_logger = logging.getLogger(__name__)

_TENANTS = text("select distinct tenant_id from audit_entry where seq is null")
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('ledger ' || :tenant, 0))")
_LAST = text("select note from audit_checkpoint where tenant_id = :tenant order by size desc limit 1")
_WAITING = text(
    "select id, type, object_id, occurred_at, technical_commitment, personal_commitment "
    "from audit_entry where tenant_id = :tenant and seq is null order by id limit :most"
)
_TILES = text(
    "select level, index, hashes from audit_tile join unnest(cast(:levels as int[]), cast(:numbers as bigint[])) "
    "as asked (level, index) using (level, index) where tenant_id = :tenant"
)
_KEEP_TILES = text(
    "insert into audit_tile (tenant_id, level, index, hashes) "
    "select :tenant, * from unnest(cast(:levels as int[]), cast(:numbers as bigint[]), cast(:hashes as bytea[])) "
    "on conflict (tenant_id, level, index) do update set hashes = excluded.hashes"
)
_GIVE_INDEXES = text(
    "update audit_entry set seq = given.seq, leaf_hash = given.leaf_hash "
    "from unnest(cast(:ids as uuid[]), cast(:seqs as bigint[]), cast(:hashes as bytea[])) "
    "as given (id, seq, leaf_hash) where tenant_id = :tenant and audit_entry.id = given.id"
)
_KEEP_CHECKPOINT = text(
    "insert into audit_checkpoint (tenant_id, size, root, note) values (:tenant, :size, :root, :note)"
)


async def sequence_once(engine: AsyncEngine, key: Ed25519PrivateKey, most: int = 2000) -> int:
    """One round over all tenants with waiting entries; how many entries were given an index."""
    async with engine.connect() as connection:
        tenants: Sequence[UUID] = (await connection.execute(_TENANTS)).scalars().all()
    given = 0
    for tenant in tenants:
        try:
            given += await sequence_tenant(engine, key, tenant, most)
        except (LogDiffers, MerkleError, CheckpointRefused):
            # One tenant's damaged log must not stop the others'; its entries wait, and `verify` names the damage.
            _logger.exception("The log of tenant %s cannot be continued.", tenant)
    return given


async def sequence_tenant(engine: AsyncEngine, key: Ed25519PrivateKey, tenant: UUID, most: int = 2000) -> int:
    """One batch of one tenant, in one transaction."""
    async with engine.begin() as connection:
        await connection.execute(_LOCK, {"tenant": str(tenant)})
        rows = (await connection.execute(_WAITING, {"tenant": tenant, "most": most})).all()
        if not rows:
            return 0
        signed = await _signed_last(connection, key, tenant)
        size = signed.size
        growing = await _tiles(connection, tenant, growing_tiles(size))
        if hash_of_range(growing, Range(0, size)) != signed.root:
            raise LogDiffers(tenant, size)
        hashes = [leaf_hash(_leaf(tenant, row).at(seq)) for seq, row in enumerate(rows, start=size)]
        changed = append_leaves(growing, size, hashes)
        await _keep(connection, tenant, changed)
        seqs = list(range(size, size + len(rows)))
        indexes = {"tenant": tenant, "ids": [row.id for row in rows], "seqs": seqs, "hashes": hashes}
        await connection.execute(_GIVE_INDEXES, indexes)
        grown = size + len(rows)
        root = hash_of_range({**growing, **changed}, Range(0, grown))
        note = sign_checkpoint(Checkpoint(origin_of(tenant), grown, root), key)
        await connection.execute(_KEEP_CHECKPOINT, {"tenant": tenant, "size": grown, "root": root, "note": note})
    return len(rows)


async def _signed_last(connection: AsyncConnection, key: Ed25519PrivateKey, tenant: UUID) -> Checkpoint:
    """What was signed last, from the note itself: the columns beside it are for queries."""
    note = (await connection.execute(_LAST, {"tenant": tenant})).scalar_one_or_none()
    if note is None:
        return Checkpoint(origin_of(tenant), 0, EMPTY_ROOT)
    return open_checkpoint(note, origin_of(tenant), key.public_key())


def _leaf(tenant: UUID, row: Row[Any]) -> Leaf:
    return Leaf(
        tenant, row.id, row.type, row.object_id, row.occurred_at, row.technical_commitment, row.personal_commitment
    )


async def _tiles(connection: AsyncConnection, tenant: UUID, places: list[TilePlace]) -> dict[TilePlace, bytes]:
    asked = {"tenant": tenant, "levels": [place.level for place in places], "numbers": [p.number for p in places]}
    rows = await connection.execute(_TILES, asked)
    return {TilePlace(level, number): hashes for level, number, hashes in rows}


async def _keep(connection: AsyncConnection, tenant: UUID, tiles: dict[TilePlace, bytes]) -> None:
    kept = {
        "tenant": tenant,
        "levels": [place.level for place in tiles],
        "numbers": [place.number for place in tiles],
        "hashes": list(tiles.values()),
    }
    await connection.execute(_KEEP_TILES, kept)
