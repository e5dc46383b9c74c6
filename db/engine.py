"""The database as the runtime role sees it: a pool of connections and units of work on it.

In: `DatabaseSettings`. Out: `Database.begin(caller)`, one transaction that sees one tenant. A connection that died
while it lay in the pool (Postgres restarted) is replaced before the work starts; after that a failure is the caller's
to see.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from db.caller import Caller
from db.statements import watch_statements
from db.unit_of_work import UnitOfWork, open_unit_of_work

if TYPE_CHECKING:
    from types import TracebackType


@dataclass(frozen=True)
class DatabaseSettings:
    """Where the database is and the keys that this process holds.

    url: of the runtime role (d2r_app). ledger_key: the ledger's 32-byte master key; without it nothing can be appended.
    patience_s: how long `begin` waits for a database that restarts.
    """

    url: str = field(repr=False)
    capability_key: bytes = field(repr=False)
    ledger_key: bytes | None = field(default=None, repr=False)
    pool_size: int = 10
    pool_overflow: int = 10
    patience_s: float = 5.0


def encode_json(value: object) -> str:
    """JSON as the jsonb columns take it."""
    return msgspec.json.encode(value).decode()


def open_engine(url: str, pool_size: int = 5, pool_overflow: int = 5, pings: bool = False) -> AsyncEngine:
    """Open a pool for any role; statements sent through it are counted.

    pings: try a connection before it is lent, for pools whose users do not try again by themselves.
    """
    engine = create_async_engine(
        async_url(url),
        pool_size=pool_size,
        max_overflow=pool_overflow,
        pool_pre_ping=pings,
        json_serializer=encode_json,
        json_deserializer=msgspec.json.decode,
    )
    watch_statements(engine)
    return engine


def async_url(url: str) -> str:
    """The same address with the asyncpg driver named."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def url_for_role(url: str, role: str, password: str) -> str:
    """The same database, entered as another role."""
    return make_url(url).set(username=role, password=password).render_as_string(hide_password=False)


class Database:
    """A pool of connections as the runtime role."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self.engine = open_engine(settings.url, settings.pool_size, settings.pool_overflow)

    @asynccontextmanager
    async def begin(self, caller: Caller, snapshot: bool = False) -> AsyncIterator[UnitOfWork]:
        """One transaction for one caller: committed when the block ends well, rolled back when it raises.

        snapshot: all its statements see the database as it was at the first (REPEATABLE READ), for reads that are held
        against one another while others write.
        """
        session, work = await self._open(caller, snapshot)
        try:
            yield work
            await session.commit()
        finally:
            # Shielded: a cancelled request must still give its connection back, or the pool runs dry.
            await asyncio.shield(session.close())

    async def _open(self, caller: Caller, snapshot: bool) -> tuple[AsyncSession, UnitOfWork]:
        """Begin and open the tenant; again on another connection while the one at hand turns out to be dead."""
        give_up_at = time.monotonic() + self._settings.patience_s
        pause_s = 0.02
        while True:
            session = AsyncSession(self.engine, expire_on_commit=False)
            try:
                if snapshot:
                    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                return session, await open_unit_of_work(
                    session, caller, self._settings.capability_key, self._settings.ledger_key
                )
            except BaseException as error:
                await asyncio.shield(session.close())
                if not _is_disconnect(error) or time.monotonic() + pause_s > give_up_at:
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.5)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _is_disconnect(error: BaseException) -> bool:
    """Whether the connection died or could not be made, as against a statement that was refused."""
    if isinstance(error, DBAPIError):
        # 57P03: the server is starting up or shutting down.
        return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in {"57P03", "57P01"}
    return isinstance(error, OSError) or getattr(error, "sqlstate", None) in {"57P03", "57P01"}
