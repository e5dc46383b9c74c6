"""Workspaces and members straight into the database, for operators, demos and tests. No field of the graph reaches it.

In: the process's settings, a workspace, its first members with their passwords. Out: what was made. A workspace that
exists is used; a member that exists is refused.
"""

import datetime
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from db.engine import Database, open_engine
from subgraphs.serving.process import ProcessSettings
from subgraphs.tenancy.model import Member, Workspace
from subgraphs.tenancy.passwords import Passwords
from subgraphs.tenancy.repository import Directory, Operator
from subgraphs.tenancy.service.workspaces import add_member, create_workspace


@dataclass(frozen=True)
class SeedMember:
    email: str
    name: str
    roles: frozenset[str]
    password: str = field(repr=False)


@dataclass(frozen=True)
class Seeded:
    workspace: Workspace
    members: tuple[Member, ...]


async def seed(
    settings: ProcessSettings,
    slug: str,
    name: str,
    members: Sequence[SeedMember],
    now: datetime.datetime,
    passwords: Passwords | None = None,
) -> Seeded:
    hasher = passwords or Passwords()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.database_settings()))
        admin_engine = open_engine(settings.admin_database_url, pool_size=1)
        stack.push_async_callback(admin_engine.dispose)
        lookup_engine = open_engine(settings.database_url("d2r_keylookup"), pool_size=1)
        stack.push_async_callback(lookup_engine.dispose)
        workspace = await create_workspace(Operator(admin_engine), Directory(lookup_engine), database, slug, name, now)
        made = [
            await add_member(database, hasher, workspace, person.email, person.name, person.roles, person.password, now)
            for person in members
        ]
    return Seeded(workspace, tuple(made))
