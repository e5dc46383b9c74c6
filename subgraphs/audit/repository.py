"""Every read of audit, through `db.ledger`: this package writes nothing and keeps no tables of its own."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from db.checkpoints import Checkpoint
from db.ledger import reading, verifying
from db.ledger.reading import Entry, SignedCheckpoint
from db.ledger.verifying import Verdict
from db.unit_of_work import UnitOfWork
from subgraphs.serving.connections import Page, PageRequest, page_of


class Repository:
    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def events(self, request: PageRequest, before: int | None, object_id: UUID | None = None) -> Page[Entry]:
        """Newest first, from below the index `before`."""
        rows = await reading.newest_entries(self._work, before, request.limit + 1, object_id)
        return page_of(rows, request)

    async def newest_of_each(self, object_ids: Sequence[UUID], most: int) -> Mapping[UUID, Sequence[Entry]]:
        """For each object up to `most` of its newest events, in one statement for all."""
        return await reading.newest_entries_of_each(self._work, object_ids, most)

    async def event(self, entry_id: UUID) -> Entry | None:
        return await reading.entry(self._work, entry_id)

    async def checkpoints(self, request: PageRequest, before: int | None) -> Page[SignedCheckpoint]:
        return page_of(await reading.checkpoints(self._work, before, request.limit + 1), request)

    async def verdict(self, key: Ed25519PublicKey, witnessed: Checkpoint | None) -> Verdict:
        return await verifying.verify(self._work, key, witnessed)
