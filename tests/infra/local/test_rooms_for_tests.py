"""What every other test stands on: rooms in the run's stack are separate and usable."""

import asyncpg
import pytest
import redis.asyncio

from infra.local.stack import Endpoints
from tests.embedded import Databases

pytestmark = pytest.mark.stack


async def test_a_database_of_its_own_has_postgis(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        assert await connection.fetchval("select st_astext(st_makepoint(1, 2))") == "POINT(1 2)"
    finally:
        await connection.close()


async def test_two_databases_from_one_template_share_nothing(databases: Databases) -> None:
    first, second = databases.fresh(), databases.fresh()
    connection = await asyncpg.connect(first)
    await connection.execute("create table only_here (x int)")
    await connection.close()
    connection = await asyncpg.connect(second)
    assert await connection.fetchval("select to_regclass('only_here')") is None
    await connection.close()
    databases.drop(first)
    databases.drop(second)


async def test_two_valkey_rooms_share_nothing(redis_url: str, module_redis_url: str) -> None:
    async with redis.asyncio.from_url(redis_url) as first, redis.asyncio.from_url(module_redis_url) as second:
        await first.set("key", "value")
        assert await second.get("key") is None


def test_the_address_for_other_processes_is_readable_by_its_owner_only(endpoints: Endpoints) -> None:
    assert Endpoints.read(endpoints.data) == endpoints
    modes = [path.stat().st_mode & 0o077 for path in (endpoints.data / "keys").iterdir()]
    assert modes
    assert not any(modes)
