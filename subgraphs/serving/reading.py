"""The read transaction of one operation: opened at the first read, lent to one reader at a time, closed at the end.

Where a gateway in this process runs an operation over several subgraphs, all of them read in this one transaction: it
costs one BEGIN, and every part of the answer is of the same caller. Elsewhere each fetch has its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from db.caller import Caller
from db.engine import Database
from db.unit_of_work import UnitOfWork


class Reading:
    def __init__(self, database: Database, caller: Caller) -> None:
        self._database = database
        self._caller = caller
        self._stack = AsyncExitStack()
        self._work: UnitOfWork | None = None
        # One connection answers one statement at a time; loaders that are ready together take turns.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[UnitOfWork]:
        """The transaction, for one at a time."""
        async with self._turn:
            if self._work is None:
                self._work = await self._stack.enter_async_context(self._database.begin(self._caller))
            try:
                yield self._work
            except BaseException:
                # A statement that failed has broken the transaction for every reader after it: they get a new one.
                await self._end()
                raise

    async def close(self) -> None:
        """End the transaction; the next reader gets a new one, and sees what has happened since."""
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        self._work = None
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()


class OperationScope(Protocol):
    """What a gateway in this process offers: a place for what an operation's fetches share."""

    def shared(self, key: Hashable, make: Callable[[], Reading]) -> Reading: ...
