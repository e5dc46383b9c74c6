"""Where a large scan's pieces lie: bodies in the object store, what is finished with the job.

In: a run of the job, and names below the scan's own. Out: bytes and facts. A piece is stored first and kept then, so
that what is kept is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import Struct

from db import job_pieces
from subgraphs.inspection.model import ScanId
from workers.actor import Run

_Facts = TypeVar("_Facts", bound=Struct)


@dataclass(frozen=True)
class Stored:
    run: Run
    scan: ScanId

    def key(self, name: str) -> str:
        return f"scans/{self.scan}/{name}"

    async def put(self, name: str, body: bytes) -> None:
        await self.run.blobs.put(self.run.caller, self.key(name), body)

    async def get(self, name: str) -> bytes:
        return await self.run.blobs.get(self.run.caller, self.key(name))

    async def get_range(self, name: str, start: int, length: int) -> bytes:
        pieces = self.run.blobs.open_range(self.run.caller, self.key(name), start, length)
        return b"".join([piece async for piece in pieces])

    async def delete(self, name: str) -> None:
        await self.run.blobs.delete(self.run.caller, self.key(name))

    async def keep(self, stage: str, number: int, facts: Struct) -> None:
        async with self.run.database.begin(self.run.caller) as work:
            await job_pieces.keep(work, self.run.lease, stage, number, facts)

    async def kept(self, stage: str, kind: type[_Facts]) -> dict[int, _Facts]:
        async with self.run.database.begin(self.run.caller) as work:
            found = await job_pieces.kept(work, self.run.lease, stage)
        return {number: msgspec.convert(facts, kind) for number, facts in found.items()}

    async def forget(self) -> None:
        async with self.run.database.begin(self.run.caller) as work:
            await job_pieces.forget(work, self.run.lease)
