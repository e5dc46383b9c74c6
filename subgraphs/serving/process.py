"""What a process that serves subgraphs opens at its start. In: the environment. Out: the resources all subgraphs share.

    DATABASE_URL             the administrator's address; only its host and database are used, as the runtime role
    REDIS_URL
    S3_ENDPOINT              with S3_ACCESS_KEY, S3_SECRET_KEY, S3_BUCKET; S3_PUBLIC_ENDPOINT where devices see another
    D2R_DATA                 its `keys` folder holds every secret (default `.d2r/stack`)
    SUBGRAPH_EXECUTOR        `compiled` (the default), or `graphql-core` to run every operation without compiling

Refuses to start with a setting missing or not understood, and says which.
"""

import json
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from db.blobs import Blobs, BlobSettings
from db.engine import Database, DatabaseSettings, url_for_role
from db.keys import CAPABILITY_KEY, LEDGER_KEY, role_password, secret_key
from subgraphs.serving.caller_token import CallerTokens
from subgraphs.serving.context import Resources

EXECUTORS: Final = ("compiled", "graphql-core")


class SettingUnusable(Exception):
    """The process cannot start from this environment; the sentence says what to set."""


class SettingMissing(SettingUnusable):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not set.")
        self.name = name


class SettingUnknown(SettingUnusable):
    def __init__(self, name: str, given: str, possible: Collection[str]) -> None:
        super().__init__(f"{name} is {given!r}; set it to {' or '.join(possible)}, or leave it out.")
        self.name, self.given, self.possible = name, given, possible


@dataclass(frozen=True)
class ProcessSettings:
    admin_database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    blobs: BlobSettings
    keys: Path
    is_compiled: bool = True

    def database_url(self, role: str) -> str:
        return url_for_role(self.admin_database_url, role, role_password(self.keys, role))

    def database_settings(self) -> DatabaseSettings:
        return DatabaseSettings(
            url=self.database_url("d2r_app"),
            capability_key=secret_key(self.keys, CAPABILITY_KEY),
            ledger_key=secret_key(self.keys, LEDGER_KEY),
        )

    def caller_tokens(self) -> CallerTokens:
        """The verifier of the gateway's caller tokens."""
        return CallerTokens(json.loads((self.keys / "caller-token.jwks.json").read_text()))


def read_settings(environment: Mapping[str, str] = os.environ) -> ProcessSettings:
    def needed(name: str) -> str:
        value = environment.get(name)
        if not value:
            raise SettingMissing(name)
        return value

    executor = environment.get("SUBGRAPH_EXECUTOR") or EXECUTORS[0]
    if executor not in EXECUTORS:
        raise SettingUnknown("SUBGRAPH_EXECUTOR", executor, EXECUTORS)
    return ProcessSettings(
        admin_database_url=needed("DATABASE_URL"),
        redis_url=needed("REDIS_URL"),
        blobs=BlobSettings(
            endpoint=needed("S3_ENDPOINT"),
            access_key=needed("S3_ACCESS_KEY"),
            secret_key=needed("S3_SECRET_KEY"),
            bucket=needed("S3_BUCKET"),
            public_endpoint=environment.get("S3_PUBLIC_ENDPOINT") or None,
        ),
        keys=Path(environment.get("D2R_DATA") or ".d2r/stack") / "keys",
        is_compiled=executor == "compiled",
    )


@asynccontextmanager
async def open_resources(settings: ProcessSettings) -> AsyncIterator[Resources]:
    """The database as the runtime role, Valkey and the object store, for as long as the context lasts."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(settings.database_settings()))
        redis = Redis.from_url(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        blobs = await stack.enter_async_context(Blobs(settings.blobs))
        yield Resources(database, {Redis: redis, Blobs: blobs, ProcessSettings: settings})
