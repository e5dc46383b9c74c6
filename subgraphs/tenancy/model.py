"""Tenancy's values: workspaces, members, devices, API keys. Frozen; a repository makes them, all above reads them."""

import datetime
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID

from db.caller import TenantId

MemberId = NewType("MemberId", UUID)
DeviceId = NewType("DeviceId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)


class MemberState(StrEnum):
    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class DeviceKind(StrEnum):
    SCANNER = "SCANNER"
    EDGE_SERVER = "EDGE_SERVER"


@dataclass(frozen=True)
class Workspace:
    id: TenantId
    slug: str
    name: str
    created_at: datetime.datetime


@dataclass(frozen=True)
class Member:
    id: MemberId
    email: str
    name: str
    roles: frozenset[str]
    state: MemberState
    created_at: datetime.datetime


@dataclass(frozen=True)
class Credentials:
    """What proves a member: never leaves the service."""

    member: Member
    password_hash: str | None
    invitation_sha256: bytes | None
    invitation_expires_at: datetime.datetime | None


@dataclass(frozen=True)
class Device:
    id: DeviceId
    name: str
    kind: DeviceKind
    serial_number: str
    retired_at: datetime.datetime | None
    created_at: datetime.datetime


@dataclass(frozen=True)
class ApiKey:
    """An API key without its secret. Exactly one of `member` and `device` holds it."""

    id: ApiKeyId
    prefix: str
    name: str
    scopes: frozenset[str]
    member: MemberId | None
    device: DeviceId | None
    expires_at: datetime.datetime | None
    last_used_at: datetime.datetime | None
    revoked_at: datetime.datetime | None
    created_at: datetime.datetime

    def is_usable(self, now: datetime.datetime) -> bool:
        """Whether it opens anything now. A revocation may lie ahead: a rotated key overlaps its successor."""
        is_revoked = self.revoked_at is not None and self.revoked_at <= now
        is_expired = self.expires_at is not None and self.expires_at <= now
        return not (is_revoked or is_expired)


@dataclass(frozen=True)
class SignInFailures:
    failures: int
    last_at: datetime.datetime
    locked_until: datetime.datetime | None


@dataclass(frozen=True)
class Subject:
    """Who a user token speaks of: a member, or a device (which is nobody in person)."""

    id: UUID
    tenant: TenantId
    name: str
    roles: frozenset[str]
    scopes: frozenset[str]
    is_device: bool = False


@dataclass(frozen=True)
class SignedToken:
    text: str
    expires_at: datetime.datetime
