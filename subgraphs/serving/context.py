"""What one operation knows: who asks, the durable state, and its loaders. Made for each operation, closed after it.

All reads of an operation share one transaction (`reading`). A change gets a transaction of its own, and what was loaded
before it is forgotten. Holds no domain rule.
"""

import datetime
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

from strawberry.types import Info as StrawberryInfo

from db.caller import Caller
from db.engine import Database
from db.unit_of_work import UnitOfWork
from subgraphs.serving.errors import Forbidden, Unauthenticated
from subgraphs.serving.reading import OperationScope, Reading

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
    def __init__(
        self, resources: Resources, caller: Caller | None, trace_id: str, scope: OperationScope | None = None
    ) -> None:
        self.resources = resources
        self.caller = caller
        self.trace_id = trace_id
        self._scope = scope
        self._loaders: dict[type, object] = {}
        self._read_transaction: Reading | None = None

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

    def reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """The operation's read transaction, for one at a time."""
        return self._reading().turn()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[UnitOfWork]:
        """A transaction of its own, committed at a clean exit."""
        # Nobody waits for a second connection while holding a first: enough of those would wait for ever.
        if self._read_transaction is not None:
            await self._read_transaction.close()
        async with self.resources.database.begin(self.known_caller()) as work:
            yield work
        self._loaders.clear()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[UnitOfWork]:
        """A read transaction of its own that sees one moment, for what has to agree with itself."""
        if self._read_transaction is not None:
            await self._read_transaction.close()
        async with self.resources.database.begin(self.known_caller(), snapshot=True) as work:
            yield work

    def loader(self, kind: type[Thing]) -> Thing:
        """The operation's one loader of this kind."""
        found = self._loaders.get(kind)
        if found is None:
            found = self._loaders[kind] = cast("Callable[[Context], object]", kind)(self)
        return cast("Thing", found)

    async def renew(self) -> None:
        """Forget what was read: between two events of a subscription the world moves on.

        A transaction that the operation's other fetches share goes on; whoever runs the operation ends it.
        """
        self._loaders.clear()
        if self._read_transaction is not None and self._scope is None:
            await self._read_transaction.close()

    def _reading(self) -> Reading:
        if self._read_transaction is None:
            database, caller = self.resources.database, self.known_caller()
            if self._scope is None:
                self._read_transaction = Reading(database, caller)
            else:
                key = (Reading, id(database), caller)
                self._read_transaction = self._scope.shared(key, lambda: Reading(database, caller))
        return self._read_transaction


Info = StrawberryInfo[Context, None]
