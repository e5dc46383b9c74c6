"""One transaction that sees one tenant.

In: a session, a `Caller` that was verified, the capability key. Out: the session for repositories, and the outbox and
the ledger that write in the same transaction. It does not retry and it takes no tenant but the caller's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.caller import Caller
from db.capability import mint_capability
from db.errors import CapabilityRefused
from db.ledger.append import Ledger
from db.outbox import Outbox

# Longer than any transaction should last, short enough that a stolen capability is soon worth nothing.
CAPABILITY_LIFETIME_S = 300


@dataclass(frozen=True)
class UnitOfWork:
    """What one transaction offers. Repositories take `session`."""

    session: AsyncSession
    caller: Caller
    outbox: Outbox
    ledger: Ledger


async def open_unit_of_work(
    session: AsyncSession, caller: Caller, capability_key: bytes, ledger_key: bytes | None
) -> UnitOfWork:
    """Open the caller's tenant on `session`; refuses when the database does not answer that very tenant."""
    pid = await _backend_pid(session)
    expires_at = int(time.time()) + CAPABILITY_LIFETIME_S
    capability = mint_capability(capability_key, caller.tenant, expires_at, pid)
    answered: UUID | None = await session.scalar(text("select app.enter(:capability)"), {"capability": capability})
    if answered != caller.tenant:
        raise CapabilityRefused(caller.tenant, answered)
    return UnitOfWork(session, caller, Outbox(session, caller), Ledger(session, caller, ledger_key))


async def _backend_pid(session: AsyncSession) -> int:
    """The pid of the backend, as it said itself when the connection was made: no round trip."""
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    assert raw.driver_connection is not None
    pid: int = raw.driver_connection.get_server_pid()
    return pid
