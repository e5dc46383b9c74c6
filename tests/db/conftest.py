"""A migrated database for each test module, and every role's way into it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from db.caller import Caller, TenantId, UserId
from db.engine import Database, DatabaseSettings, open_engine, url_for_role
from db.keys import CAPABILITY_KEY, LEDGER_KEY, role_password, secret_key
from infra.local.stack import Endpoints


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


@pytest.fixture(scope="module")
def installation(module_database_url: str, endpoints: Endpoints) -> Installation:
    return Installation(module_database_url, endpoints.keys.folder)


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


@pytest.fixture
async def sweeper(installation: Installation) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(installation.url("d2r_sweeper"))
    yield engine
    await engine.dispose()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


def a_caller(name: str = "someone") -> Caller:
    return Caller(TenantId(uuid.uuid4()), UserId(uuid.uuid4()), frozenset(), frozenset(), name)


@pytest.fixture
def caller() -> Caller:
    return a_caller("of our tenant")


@pytest.fixture
def stranger() -> Caller:
    return a_caller("of another tenant")
