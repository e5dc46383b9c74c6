"""Subgraphs over a migrated database of the module's own, with two workspaces that must not see each other."""

import datetime
from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher

from db.blobs import BlobSettings
from infra.local.stack import Endpoints
from subgraphs.serving.process import ProcessSettings
from subgraphs.tenancy.model import Member, Workspace
from subgraphs.tenancy.passwords import Passwords
from subgraphs.tenancy.seeding import SeedMember, seed
from tests.embedded import run_apart
from tests.subgraphs.asking import Gateway

PASSWORD = "correct horse battery"
FAST_HASHES = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@dataclass(frozen=True)
class House:
    """One installation with two workspaces: `acme` has a member of each role, `rival` an owner."""

    settings: ProcessSettings
    acme: Workspace
    rival: Workspace
    people: dict[str, Member]

    @property
    def gateway(self) -> Gateway:
        return Gateway(self.settings.keys)


def process_settings(endpoints: Endpoints, database_url: str, redis_url: str) -> ProcessSettings:
    return ProcessSettings(
        admin_database_url=database_url,
        redis_url=redis_url,
        blobs=BlobSettings(
            endpoint=endpoints.s3_endpoint,
            access_key=endpoints.s3_access_key,
            secret_key=endpoints.s3_secret_key,
            bucket=endpoints.s3_bucket,
        ),
        keys=endpoints.keys.folder,
    )


@pytest.fixture(scope="module")
def house(endpoints: Endpoints, module_database_url: str, module_redis_url: str) -> House:
    settings = process_settings(endpoints, module_database_url, module_redis_url)
    return run_apart(furnish(settings))


async def furnish(settings: ProcessSettings) -> House:
    now = datetime.datetime.now(datetime.UTC)
    roles = ("owner", "quality_engineer", "operator", "viewer", "auditor")
    staff = [SeedMember(f"{role}@acme.example", f"Acme {role}", frozenset({role}), PASSWORD) for role in roles]
    boss = SeedMember("owner@rival.example", "Rival owner", frozenset({"owner"}), PASSWORD)
    acme = await seed(settings, "acme", "Acme Castings", staff, now, Passwords(FAST_HASHES))
    rival = await seed(settings, "rival", "Rival Forgings", [boss], now, Passwords(FAST_HASHES))
    people = dict(zip(roles, acme.members, strict=True))
    return House(settings, acme.workspace, rival.workspace, {**people, "rival": rival.members[0]})
