"""What the runtime role can see and do, by any SQL it likes."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.caller import Caller, TenantId
from db.capability import mint_capability
from db.engine import Database, DatabaseSettings
from db.errors import CapabilityRefused
from db.tables.jobs import JobRow
from tests.db.conftest import Installation

COUNT = text("select count(*) from job")
SET = text("select set_config('app.capability', :capability, true)")


async def a_job(database: Database, caller: Caller) -> None:
    async with database.begin(caller) as work:
        await work.outbox.job("measure", uuid4(), {})


async def rows_seen_with(database: Database, capability: str) -> int:
    async with database.engine.begin() as connection:
        await connection.execute(SET, {"capability": capability})
        return (await connection.execute(COUNT)).scalar_one()


async def pid_of(connection: AsyncConnection) -> int:
    return (await connection.execute(text("select pg_backend_pid()"))).scalar_one()


async def test_nothing_set_means_no_rows(database: Database, caller: Caller) -> None:
    await a_job(database, caller)
    async with database.engine.begin() as connection:
        assert (await connection.execute(COUNT)).scalar_one() == 0


async def test_a_caller_sees_its_own_rows_and_no_others(database: Database, caller: Caller, stranger: Caller) -> None:
    await a_job(database, caller)
    await a_job(database, stranger)
    async with database.begin(caller) as work:
        # On purpose without a filter: the database, not the query, keeps tenants apart.
        tenants = (await work.session.scalars(select(JobRow.tenant_id))).all()
    assert tenants == [caller.tenant]


async def test_the_capability_ends_with_its_transaction(installation: Installation, caller: Caller) -> None:
    settings = installation.settings
    async with Database(DatabaseSettings(settings.url, settings.capability_key, pool_size=1, pool_overflow=0)) as one:
        await a_job(one, caller)
        async with one.engine.begin() as connection:
            assert (await connection.execute(COUNT)).scalar_one() == 0


async def test_a_good_capability_opens_the_tenant(
    installation: Installation, database: Database, caller: Caller
) -> None:
    await a_job(database, caller)
    async with database.engine.begin() as connection:
        pid = await pid_of(connection)
        capability = mint_capability(installation.settings.capability_key, caller.tenant, int(time.time()) + 60, pid)
        await connection.execute(SET, {"capability": capability})
        assert (await connection.execute(COUNT)).scalar_one() == 1


@pytest.mark.parametrize(
    ("wrong", "key", "lifetime_s", "pid_offset"),
    [("key", b"k" * 32, 60, 0), ("expiry", None, -1, 0), ("backend", None, 60, 1)],
)
async def test_a_capability_that_does_not_hold_opens_nothing(
    installation: Installation,
    database: Database,
    caller: Caller,
    wrong: str,
    key: bytes | None,
    lifetime_s: int,
    pid_offset: int,
) -> None:
    await a_job(database, caller)
    key = key or installation.settings.capability_key
    async with database.engine.begin() as connection:
        pid = await pid_of(connection) + pid_offset
        capability = mint_capability(key, caller.tenant, int(time.time()) + lifetime_s, pid)
        await connection.execute(SET, {"capability": capability})
        assert (await connection.execute(COUNT)).scalar_one() == 0, wrong


@pytest.mark.parametrize("text_set", ["", "|||", "x", "a|b|c|" + "0" * 64, "\n", f"{uuid4()}|9999999999|1|{'0' * 64}"])
async def test_a_malformed_capability_opens_nothing_and_breaks_nothing(database: Database, text_set: str) -> None:
    assert await rows_seen_with(database, text_set) == 0


async def test_another_tenant_cannot_be_put_into_a_good_capability(
    installation: Installation, database: Database, caller: Caller, stranger: Caller
) -> None:
    await a_job(database, caller)
    async with database.engine.begin() as connection:
        pid = await pid_of(connection)
        own = mint_capability(installation.settings.capability_key, stranger.tenant, int(time.time()) + 60, pid)
        await connection.execute(SET, {"capability": own.replace(str(stranger.tenant), str(caller.tenant))})
        assert (await connection.execute(COUNT)).scalar_one() == 0


async def test_a_process_with_the_wrong_key_is_told_so(installation: Installation, caller: Caller) -> None:
    async with Database(DatabaseSettings(installation.settings.url, b"k" * 32)) as wrong:
        with pytest.raises(CapabilityRefused):
            async with wrong.begin(caller):
                pass


async def test_a_row_for_another_tenant_is_refused(database: Database, caller: Caller, stranger: Caller) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.begin(caller) as work:
            work.session.add(JobRow(tenant_id=stranger.tenant, id=uuid4(), kind="x", subject_id=uuid4(), payload={}))


async def test_a_row_cannot_be_given_to_another_tenant(database: Database, caller: Caller, stranger: Caller) -> None:
    await a_job(database, caller)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.begin(caller) as work:
            await work.session.execute(text("update job set tenant_id = :other"), {"other": stranger.tenant})


@pytest.mark.parametrize(
    "statement",
    [
        "truncate job",
        "select * from app.capability_key",
        "alter table job disable row level security",
        "set role d2r_owner",
        "set session authorization postgres",
        "create table mine (id int)",
        "create or replace function app.tenant_id() returns uuid language sql as 'select null::uuid'",
        "copy job to '/tmp/x'",
        "update outbox set published_at = null",
        "delete from audit_entry",
    ],
)
async def test_the_runtime_role_may_not(database: Database, caller: Caller, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner|must be superuser"):
        async with database.begin(caller) as work:
            await work.session.execute(text(statement))


async def test_row_security_cannot_be_switched_off_for_the_session(database: Database, caller: Caller) -> None:
    await a_job(database, caller)
    async with database.engine.connect() as connection:
        await connection.execute(text("set local row_security = off"))
        with pytest.raises(DBAPIError, match="row-level security"):
            await connection.execute(COUNT)


async def test_the_policy_asks_once_a_query(database: Database, caller: Caller) -> None:
    async with database.begin(caller) as work:
        plan = "\n".join((await work.session.scalars(text("explain (costs off) select * from job"))).all())
    assert "InitPlan" in plan


async def test_units_of_work_of_many_tenants_mix_nothing(installation: Installation) -> None:
    """Three connections, twelve tenants, prepared statements reused by all of them."""
    import asyncio

    from tests.db.conftest import a_caller

    callers = [a_caller(str(number)) for number in range(12)]
    settings = installation.settings
    small = DatabaseSettings(settings.url, settings.capability_key, pool_size=3, pool_overflow=0)
    async with Database(small) as database:

        async def one(caller: Caller) -> set[TenantId]:
            async with database.begin(caller) as work:
                await work.outbox.job("x", uuid4(), {})
                assert await work.session.scalar(select(func.count()).select_from(JobRow)) > 0
                return set((await work.session.scalars(select(JobRow.tenant_id))).all())

        seen = await asyncio.gather(*(one(caller) for _ in range(20) for caller in callers))
    assert seen == [{caller.tenant} for _ in range(20) for caller in callers]
