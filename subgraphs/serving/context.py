"""What one operation knows: who asks, the durable state, and its loaders. Made for each operation, closed after it.

All reads of an operation share one transaction, opened at the first read: a query costs one BEGIN, not one a loader.
A change gets a transaction of its own, and what was loaded before it is forgotten. Holds no domain rule.
"""

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

from strawberry.types import Info as StrawberryInfo

from db.caller import Caller
from db.engine import Database
from db.unit_of_work import UnitOfWork
from subgraphs.serving.errors import Forbidden, Unauthenticated

Thing = TypeVar("Thing")


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Resources:
    """What a process opened at its start and lends to every operation. `more` holds one thing for each type."""

    database: Database
    more: Mapping[type, object] = field(default_factory=dict)
    now: Callable[[], datetime.datetime] = utc_now

    def get(self, kind: type[Thing]) -> Thing:
        """The one thing of this type: `Blobs`, `Redis`, a key. A KeyError means the process was put together wrong."""
        return cast("Thing", self.more[kind])


class Context:
    def __init__(self, resources: Resources, caller: Caller | None, trace_id: str) -> None:
        self.resources = resources
        self.caller = caller
        self.trace_id = trace_id
        self._loaders: dict[type, object] = {}
        self._stack = AsyncExitStack()
        self._reading: UnitOfWork | None = None
        # One connection answers one statement at a time; loaders that are ready together take turns.
        self._turn = asyncio.Lock()

    def known_caller(self) -> Caller:
        if self.caller is None:
            raise Unauthenticated
        return self.caller

    def require(self, scope: str) -> Caller:
        """The caller, who holds this scope."""
        caller = self.known_caller()
        if scope not in caller.scopes:
            raise Forbidden(scope)
        return caller

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[UnitOfWork]:
        """The operation's shared read transaction, for one at a time."""
        async with self._turn:
            if self._reading is None:
                begin = self.resources.database.begin(self.known_caller())
                self._reading = await self._stack.enter_async_context(begin)
            try:
                yield self._reading
            except BaseException:
                # A statement that failed has broken the transaction for every reader after it: they get a new one.
                await self._end_reading()
                raise

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[UnitOfWork]:
        """A transaction of its own, committed at a clean exit."""
        async with self.resources.database.begin(self.known_caller()) as work:
            yield work
        self._loaders.clear()

    def loader(self, kind: type[Thing]) -> Thing:
        """The operation's one loader of this kind."""
        found = self._loaders.get(kind)
        if found is None:
            found = self._loaders[kind] = cast("Callable[[Context], object]", kind)(self)
        return cast("Thing", found)

    async def renew(self) -> None:
        """Forget what was read: between two events of a subscription the world moves on."""
        self._loaders.clear()
        await self._end_reading()

    async def _end_reading(self) -> None:
        self._reading = None
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()


Info = StrawberryInfo[Context, None]
