"""A migrated database of its own for each test process, and the roles' ways into it.

The server is the one at DATABASE_URL, entered as its administrator; without it these tests are skipped.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from db.caller import Caller, TenantId, UserId
from db.engine import Database, DatabaseSettings, open_engine, url_for_role
from db.keys import CAPABILITY_KEY, LEDGER_KEY, role_password, secret_key
from db.migrate import migrate


@dataclass(frozen=True)
class Installation:
    """One migrated database and its keys."""

    admin_url: str
    keys: Path

    def url(self, role: str) -> str:
        return url_for_role(self.admin_url, role, role_password(self.keys, role))

    @property
    def settings(self) -> DatabaseSettings:
        return DatabaseSettings(
            self.url("d2r_app"), secret_key(self.keys, CAPABILITY_KEY), secret_key(self.keys, LEDGER_KEY)
        )


async def _on_server(server: str, statement: str) -> None:
    connection = await asyncpg.connect(
        make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    server = os.environ.get("DATABASE_URL")
    if not server:
        pytest.skip("DATABASE_URL is not set")
    keys = Path(os.environ.get("D2R_DATA", ".d2r/stack")) / "keys"
    name = f"d2r_test_{uuid.uuid4().hex[:12]}"
    asyncio.run(_on_server(server, f"create database {name}"))
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    asyncio.run(migrate(url, keys))
    yield Installation(url, keys)
    asyncio.run(_on_server(server, f"drop database {name} with (force)"))


@pytest.fixture
async def database(installation: Installation) -> AsyncIterator[Database]:
    async with Database(installation.settings) as database:
        yield database


@pytest.fixture
async def admin(installation: Installation) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(installation.admin_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def relay(installation: Installation) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(installation.url("d2r_relay"))
    yield engine
    await engine.dispose()


def a_caller(name: str = "someone") -> Caller:
    return Caller(TenantId(uuid.uuid4()), UserId(uuid.uuid4()), frozenset(), frozenset(), name)


@pytest.fixture
def caller() -> Caller:
    return a_caller("of our tenant")


@pytest.fixture
def stranger() -> Caller:
    return a_caller("of another tenant")
