"""Batched reads: many `load(key)` in one tick become one `fetch(keys)`. In: keys. Out: a value for each, or none.

A subclass names its key (`ScansByAssetIdLoader`) and writes `fetch`, which answers a mapping; a key that it leaves out
is a thing that this caller cannot see.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from strawberry.dataloader import DataLoader

if TYPE_CHECKING:
    from db.unit_of_work import UnitOfWork
    from subgraphs.serving.context import Context

Key = TypeVar("Key")
Value = TypeVar("Value")

# One statement's list of keys; PostgreSQL plans longer ones no worse, but a page never asks for more.
MAX_BATCH = 1000


class Loader(ABC, Generic[Key, Value]):
    def __init__(self, context: Context) -> None:
        self._context = context
        self._loader: DataLoader[Key, Value | None] = DataLoader(load_fn=self._load, max_batch_size=MAX_BATCH)

    @abstractmethod
    async def fetch(self, work: UnitOfWork, keys: Sequence[Key]) -> Mapping[Key, Value]:
        """One statement for all keys."""

    async def load(self, key: Key) -> Value | None:
        return await self._loader.load(key)

    async def _load(self, keys: list[Key]) -> Sequence[Value | BaseException | None]:
        async with self._context.reading() as work:
            found = await self.fetch(work, keys)
        return [found.get(key) for key in keys]
