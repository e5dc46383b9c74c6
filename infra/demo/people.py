"""Who uses a local platform: two workspaces and their people, with passwords made at the first start.

In: the running platform. Out: accounts. The passwords lie beside the installation's keys, readable by their owner only.
"""

from __future__ import annotations

import datetime
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.local.platform import Running
from subgraphs.tenancy.errors import EmailTaken
from subgraphs.tenancy.seeding import SeedMember, seed


@dataclass(frozen=True)
class Account:
    """One person's way in."""

    workspace: str
    company: str
    email: str
    name: str
    password: str


async def quality_engineer(running: Running) -> Account:
    """Who inspects at plant 7."""
    return await _account(running, "plant-7", "Plant 7", "quality@plant-7.example", "Quinn Quality")


async def stranger(running: Running) -> Account:
    """Somebody of another company: sees nothing of plant 7."""
    return await _account(running, "other-works", "Other Works", "owner@other-works.example", "Olga Other")


async def _account(running: Running, workspace: str, company: str, email: str, name: str) -> Account:
    password = _kept_password(running.endpoints.data / "keys" / f"{workspace}.person")
    member = SeedMember(email, name, frozenset({"owner", "quality_engineer"}), password)
    # Made by an earlier start, perhaps; whether the password is theirs shows when they sign in.
    with suppress(EmailTaken):
        await seed(running.settings(), workspace, company, [member], datetime.datetime.now(datetime.UTC))
    return Account(workspace, company, email, name, password)


def _kept_password(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(15))
    return file.read_text()
