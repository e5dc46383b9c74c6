"""Who is asking: the one value that a tenant is read from.

In: a verified caller token or a signed job. Out: a frozen value. It checks nothing itself: who makes one has verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
UserId = NewType("UserId", UUID)


@dataclass(frozen=True)
class Caller:
    """One verified caller. `user` is None for devices' jobs and other work without a person."""

    tenant: TenantId
    user: UserId | None
    roles: frozenset[str]
    scopes: frozenset[str]
    name: str
