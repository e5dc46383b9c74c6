"""API keys: make, rotate, revoke. Needs `keys:manage`. A key's secret is answered once and never stored.

A rotated key keeps working for a day beside its successor, so that nothing stands still while it is exchanged.
"""

import datetime
from dataclasses import dataclass, replace

from db.outbox import new_id
from db.unit_of_work import UnitOfWork
from subgraphs.serving.errors import BadInput, Conflict, Forbidden, NotFound
from subgraphs.serving.roles import Role, Scope, scopes_of
from subgraphs.tenancy import events, policy
from subgraphs.tenancy.errors import KeyUsedOtherwise
from subgraphs.tenancy.model import ApiKey, ApiKeyId, DeviceId, MemberId
from subgraphs.tenancy.repository import Repository
from subgraphs.tenancy.secret_texts import RandomBytes, new_api_key_text


@dataclass(frozen=True)
class NewApiKey:
    """What is asked for. Without a device the key acts for the caller."""

    name: str
    scopes: frozenset[str]
    device: DeviceId | None
    expires_at: datetime.datetime | None
    idempotency_key: str


@dataclass(frozen=True)
class MadeApiKey:
    """`secret` is the whole text of the key; none when the same request was answered before."""

    key: ApiKey
    secret: str | None


async def create(work: UnitOfWork, wanted: NewApiKey, now: datetime.datetime, random_bytes: RandomBytes) -> MadeApiKey:
    name = policy.checked_name(wanted.name)
    idempotency_key = policy.checked_idempotency_key(wanted.idempotency_key)
    if wanted.expires_at is not None and wanted.expires_at <= now:
        raise BadInput("A key expires in the future.", ("input", "expiresAt"))
    repository = Repository(work)
    if (earlier := await repository.api_key_by_idempotency_key(idempotency_key)) is not None:
        return _answered_before(earlier, name, wanted)
    member, of_holder = await _holder(work, repository, wanted.device)
    key = ApiKey(
        id=ApiKeyId(new_id()),
        prefix="",
        name=name,
        scopes=policy.checked_scopes(wanted.scopes, work.caller.scopes, of_holder),
        member=member,
        device=wanted.device,
        expires_at=wanted.expires_at,
        last_used_at=None,
        revoked_at=None,
        created_at=now,
    )
    made = await _add(work, repository, key, idempotency_key, random_bytes, replaces=None)
    await work.ledger.append(
        events.API_KEY_CREATED,
        key.id,
        technical={
            "prefix": made.key.prefix,
            "scopes": sorted(key.scopes),
            "holder": str(key.device or key.member),
            "expiresAt": key.expires_at.isoformat() if key.expires_at else None,
        },
    )
    return made


async def rotate(
    work: UnitOfWork,
    old_id: ApiKeyId,
    idempotency_key: str,
    now: datetime.datetime,
    random_bytes: RandomBytes,
) -> MadeApiKey:
    """A successor with the same name, scopes, holder and expiry."""
    idempotency_key = policy.checked_idempotency_key(idempotency_key)
    repository = Repository(work)
    old = await _usable(repository, old_id, now)
    if (earlier := await repository.api_key_by_idempotency_key(idempotency_key)) is not None:
        if (earlier.name, earlier.device, earlier.member) != (old.name, old.device, old.member):
            raise KeyUsedOtherwise
        return MadeApiKey(earlier, None)
    # No key for more than its maker may do, even by way of an older one.
    policy.checked_scopes(old.scopes, work.caller.scopes, old.scopes)
    fresh = replace(old, id=ApiKeyId(new_id()), created_at=now, last_used_at=None, revoked_at=None)
    made = await _add(work, repository, fresh, idempotency_key, random_bytes, replaces=old_id)
    await repository.revoke_api_key(old_id, now + policy.ROTATION_OVERLAP)
    await work.ledger.append(events.API_KEY_ROTATED, fresh.id, technical={"replaces": str(old_id)})
    return made


async def revoke(work: UnitOfWork, key_id: ApiKeyId, now: datetime.datetime) -> ApiKey:
    """Closed at once. Revoking a closed key changes nothing and is no fault."""
    repository = Repository(work)
    key = await _key(repository, key_id)
    if key.is_usable(now):
        await repository.revoke_api_key(key_id, now)
        await work.ledger.append(events.API_KEY_REVOKED, key_id, technical={"prefix": key.prefix})
    return await _key(repository, key_id)


async def _holder(
    work: UnitOfWork, repository: Repository, device_id: DeviceId | None
) -> tuple[MemberId | None, frozenset[str]]:
    """Who the key acts for, and the scopes that this holder could have."""
    if device_id is None:
        if work.caller.user is None:
            raise Forbidden(Scope.KEYS_MANAGE)
        return MemberId(work.caller.user), work.caller.scopes
    device = (await repository.devices_by_id([device_id])).get(device_id)
    if device is None:
        raise NotFound("Device", ("input", "deviceId"))
    if device.retired_at is not None:
        raise Conflict("This device is retired.", ("input", "deviceId"))
    return None, scopes_of([Role.DEVICE])


async def _add(
    work: UnitOfWork,
    repository: Repository,
    key: ApiKey,
    idempotency_key: str,
    random_bytes: RandomBytes,
    replaces: ApiKeyId | None,
) -> MadeApiKey:
    text = new_api_key_text(random_bytes)
    key = replace(key, prefix=text.prefix)
    if not await repository.add_api_key(key, text.sha256, work.caller.user, idempotency_key, replaces):
        # The same request arrived twice at once: the other one has it.
        raise KeyUsedOtherwise
    return MadeApiKey(key, str(text))


async def _key(repository: Repository, key_id: ApiKeyId) -> ApiKey:
    key = (await repository.api_keys_by_id([key_id])).get(key_id)
    if key is None:
        raise NotFound("ApiKey", ("input", "apiKeyId"))
    return key


async def _usable(repository: Repository, key_id: ApiKeyId, now: datetime.datetime) -> ApiKey:
    key = await _key(repository, key_id)
    if not key.is_usable(now):
        raise Conflict("This key is closed.", ("input", "apiKeyId"))
    return key


def _answered_before(earlier: ApiKey, name: str, wanted: NewApiKey) -> MadeApiKey:
    if (earlier.name, earlier.scopes, earlier.device) != (name, wanted.scopes, wanted.device):
        raise KeyUsedOtherwise
    return MadeApiKey(earlier, None)
