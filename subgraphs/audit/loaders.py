"""Batched reads of audit: each names its key."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from db.ledger.reading import Entry
from db.unit_of_work import UnitOfWork
from subgraphs.audit.repository import Repository
from subgraphs.serving.loading import Loader

# An object, and how many of its newest events are wanted.
NewestOf = tuple[UUID, int]


class NewestEventsByObjectIdLoader(Loader[NewestOf, Sequence[Entry]]):
    """One statement for each page size that is asked for, which in one document is one."""

    async def fetch(self, work: UnitOfWork, keys: Sequence[NewestOf]) -> Mapping[NewestOf, Sequence[Entry]]:
        objects_by_count: dict[int, list[UUID]] = defaultdict(list)
        for object_id, most in keys:
            objects_by_count[most].append(object_id)
        found: dict[NewestOf, Sequence[Entry]] = {}
        for most, object_ids in objects_by_count.items():
            newest = await Repository(work).newest_of_each(object_ids, most)
            found |= {(object_id, most): newest.get(object_id, ()) for object_id in object_ids}
        return found
