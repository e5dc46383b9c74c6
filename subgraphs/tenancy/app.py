"""What tenancy opens for itself: the crossing role's connections, the hasher, the key that signs user tokens."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from db.engine import open_engine
from subgraphs.serving.context import Resources
from subgraphs.serving.process import ProcessSettings
from subgraphs.tenancy.passwords import Passwords
from subgraphs.tenancy.repository import Directory
from subgraphs.tenancy.service.sign_in import Door
from subgraphs.tenancy.user_tokens import UserTokens


@asynccontextmanager
async def open_own_resources(shared: Resources) -> AsyncIterator[Mapping[type, object]]:
    settings = shared.get(ProcessSettings)
    engine = open_engine(settings.database_url("d2r_keylookup"), pool_size=2, pool_overflow=2, pings=True)
    try:
        tokens = UserTokens((settings.keys / "tenancy-token.pem").read_bytes())
        yield {Door: Door(shared.database, Directory(engine), Passwords(), tokens)}
    finally:
        await engine.dispose()
