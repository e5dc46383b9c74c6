"""Fetches of one operation share a read transaction; a failed statement costs only the reader that sent it."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.caller import Caller, TenantId
from db.engine import Database, DatabaseSettings, url_for_role
from db.keys import CAPABILITY_KEY, role_password, secret_key
from gateway.client.operation_scope import OperationScope
from infra.local.stack import Endpoints
from subgraphs.serving.context import Context, Resources

TRANSACTION = text("select txid_current()")


@pytest.fixture
async def database(endpoints: Endpoints, database_url: str) -> AsyncIterator[Database]:
    keys = endpoints.keys.folder
    url = url_for_role(database_url, "d2r_app", role_password(keys, "d2r_app"))
    async with Database(DatabaseSettings(url, secret_key(keys, CAPABILITY_KEY))) as database:
        yield database


def _caller() -> Caller:
    return Caller(TenantId(uuid4()), None, frozenset(), frozenset(), "reader")


async def _transaction(context: Context) -> int:
    async with context.reading() as work:
        number: int = (await work.session.execute(TRANSACTION)).scalar_one()
    return number


async def test_two_subgraphs_of_one_operation_read_in_one_transaction(database: Database) -> None:
    resources, caller, scope = Resources(database), _caller(), OperationScope()
    first, second = (Context(resources, caller, "t", scope) for _ in range(2))
    seen = [await _transaction(first), await _transaction(second)]
    await first.renew()
    seen.append(await _transaction(second))
    assert len(set(seen)) == 1
    await scope.aclose()
    assert database.engine.pool.checkedout() == 0


async def test_another_caller_never_shares_it(database: Database) -> None:
    resources, scope = Resources(database), OperationScope()
    one, other = (Context(resources, _caller(), "t", scope) for _ in range(2))
    assert await _transaction(one) != await _transaction(other)
    await scope.aclose()


async def test_without_a_scope_each_fetch_has_its_own(database: Database) -> None:
    resources, caller = Resources(database), _caller()
    first, second = (Context(resources, caller, "t") for _ in range(2))
    assert await _transaction(first) != await _transaction(second)
    await first.renew()
    await second.renew()
    assert database.engine.pool.checkedout() == 0


async def test_a_failed_statement_leaves_the_others_a_whole_transaction(database: Database) -> None:
    resources, caller, scope = Resources(database), _caller(), OperationScope()
    first, second = (Context(resources, caller, "t", scope) for _ in range(2))
    await _transaction(second)
    with pytest.raises(DBAPIError):
        async with first.reading() as work:
            await work.session.execute(text("select 1 / 0"))
    await _transaction(second)
    await scope.aclose()
    assert database.engine.pool.checkedout() == 0
