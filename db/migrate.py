"""Bring a database to the newest revision: roles, extension, keys, tables.

In: the administrator's address (a superuser, or a managed service's administrator) and the keys folder. Out: a database
that the runtime roles can enter. Runs that meet wait for each other; a second run changes nothing.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.capability import hmac_pads
from db.crossing import APP, CROSSINGS, OWNER
from db.engine import open_engine
from db.keys import CAPABILITY_KEY, role_password, secret_key

# Any number that no other program takes on this database.
_LOCK = 0x44325231
_PATIENCE = 10
RUNTIME_ROLES = (APP, *(crossing.role for crossing in CROSSINGS))


async def migrate(admin_url: str, keys: Path) -> None:
    """Create or renew everything: the roles in one transaction, the database in another under an advisory lock."""
    engine = open_engine(admin_url, pool_size=1, pool_overflow=0)
    try:
        await _make_roles(engine, keys)
        async with engine.begin() as connection:
            await connection.execute(text(f"select pg_advisory_xact_lock({_LOCK})"))
            await _let_roles_in(connection)
            await connection.execute(text("create extension if not exists postgis"))
            # Indexes that lead with the tenant and go on with a place.
            await connection.execute(text("create extension if not exists btree_gist"))
            await connection.execute(text(f"set local role {OWNER}"))
            await connection.run_sync(_upgrade)
            await _store_capability_key(connection, secret_key(keys, CAPABILITY_KEY))
    finally:
        await engine.dispose()


async def _make_roles(engine: AsyncEngine, keys: Path) -> None:
    """Every role, with its password from the folder."""
    for attempt in range(_PATIENCE):
        try:
            async with engine.begin() as connection:
                await _make_role(connection, OWNER, "nologin")
                for role in RUNTIME_ROLES:
                    await _make_role(connection, role, f"login password '{role_password(keys, role)}'")
                await connection.execute(text(f"grant {OWNER} to current_user"))
            return
        except DBAPIError:
            # Roles belong to the whole cluster and an advisory lock to one database: another database's migration may
            # write them at this moment, which Postgres answers with an error and not with a wait.
            if attempt == _PATIENCE - 1:
                raise
            await asyncio.sleep(0.1 * (attempt + 1))


async def _make_role(connection: AsyncConnection, role: str, login: str) -> None:
    exists = await connection.scalar(text("select 1 from pg_roles where rolname = :role"), {"role": role})
    verb = "alter" if exists else "create"
    await connection.execute(text(f"{verb} role {role} {login} nosuperuser nocreatedb nocreaterole nobypassrls"))


async def _let_roles_in(connection: AsyncConnection) -> None:
    """The schema of our functions, and for each role the right to enter and no more."""
    database = await connection.scalar(text("select quote_ident(current_database())"))
    await connection.execute(text(f"create schema if not exists app authorization {OWNER}"))
    await connection.execute(text(f"grant create, usage on schema public to {OWNER}"))
    for role in RUNTIME_ROLES:
        await connection.execute(text(f"grant connect on database {database} to {role}"))
        await connection.execute(text(f"grant usage on schema app, public to {role}"))


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


async def _store_capability_key(connection: AsyncConnection, key: bytes) -> None:
    inner, outer = hmac_pads(key)
    await connection.execute(
        text(
            "insert into app.capability_key (inner_pad, outer_pad) values (:inner, :outer) "
            "on conflict (only_one) do update set inner_pad = :inner, outer_pad = :outer"
        ),
        {"inner": inner, "outer": outer},
    )
