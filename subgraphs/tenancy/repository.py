"""Every query of tenancy. In: a unit of work's session (row security knows the tenant). Out: values, never rows.

`Directory` stands apart: it finds the tenant of a slug or an API key before anybody is known, as the crossing role
`d2r_keylookup`, which may read those columns and no others.
"""

import datetime
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from db.caller import TenantId
from db.lookup import among, table_of
from db.tables.base import Base
from db.tables.tenancy import ApiKeyRow, DeviceRow, MemberRow, SignInFailureRow, WorkspaceRow
from db.unit_of_work import UnitOfWork
from subgraphs.serving.connections import Page, PageRequest, page_of, uuid_after
from subgraphs.tenancy.model import (
    ApiKey,
    ApiKeyId,
    Credentials,
    Device,
    DeviceId,
    DeviceKind,
    Member,
    MemberId,
    MemberState,
    SignInFailures,
    Workspace,
)


def _own_rows(row: type[Base]) -> Select[Any]:
    table = table_of(row)
    return select(*table.c).where(table.c.tenant_id == bindparam("tenant"))


def _own_by_id(row: type[Base]) -> Select[Any]:
    return _own_rows(row).where(among(table_of(row).c.id))


_WORKSPACE = _own_rows(WorkspaceRow)
_MEMBERS = _own_by_id(MemberRow)
_DEVICES = _own_by_id(DeviceRow)
_API_KEYS = _own_by_id(ApiKeyRow)


class Directory:
    """Which tenant a slug or an API key's prefix belongs to."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def tenant_of_slug(self, slug: str) -> TenantId | None:
        return await self._tenant(select(WorkspaceRow.tenant_id).where(WorkspaceRow.slug == slug))

    async def tenant_of_api_key(self, prefix: str) -> TenantId | None:
        return await self._tenant(select(ApiKeyRow.tenant_id).where(ApiKeyRow.prefix == prefix))

    async def _tenant(self, query: Select[UUID]) -> TenantId | None:
        async with self._engine.connect() as connection:
            found = await connection.scalar(query)
        return None if found is None else TenantId(found)


class Operator:
    """The one write that no tenant can make. Its engine is the administrator's; it acts as the owner of the tables."""

    def __init__(self, admin_engine: AsyncEngine) -> None:
        self._engine = admin_engine

    async def add_workspace(self, workspace: Workspace) -> bool:
        """Whether it was added; not, when the slug is taken."""
        statement = upsert(WorkspaceRow).values(
            tenant_id=workspace.id,
            id=workspace.id,
            slug=workspace.slug,
            name=workspace.name,
            created_at=workspace.created_at,
        )
        async with self._engine.begin() as connection:
            await connection.execute(text("set local role d2r_owner"))
            added = await connection.execute(statement.on_conflict_do_nothing())
        return added.rowcount == 1


class Repository:
    def __init__(self, work: UnitOfWork) -> None:
        self._session = work.session
        self._tenant = work.caller.tenant

    # Workspaces

    async def workspace(self) -> Workspace | None:
        row = (await self._session.execute(_WORKSPACE, {"tenant": self._tenant})).one_or_none()
        return None if row is None else Workspace(TenantId(row.id), row.slug, row.name, row.created_at)

    # Members

    async def members_by_id(self, ids: Collection[MemberId]) -> Mapping[MemberId, Member]:
        rows = await self._session.execute(_MEMBERS, {"tenant": self._tenant, "keys": list(ids)})
        return {MemberId(row.id): _member(row) for row in rows}

    async def members(self, request: PageRequest) -> Page[Member]:
        query = select(MemberRow).where(self._own(MemberRow)).order_by(MemberRow.id).limit(request.limit + 1)
        if (after := uuid_after(request)) is not None:
            query = query.where(MemberRow.id > after)
        return page_of([_member(row) for row in await self._session.scalars(query)], request)

    async def credentials_by_email(self, email: str) -> Credentials | None:
        return await self._credentials(MemberRow.email == email)

    async def credentials_by_id(self, member: MemberId) -> Credentials | None:
        return await self._credentials(MemberRow.id == member)

    async def credentials_by_invitation(self, invitation_sha256: bytes) -> Credentials | None:
        return await self._credentials(MemberRow.invitation_sha256 == invitation_sha256)

    async def hold_credentials(self, member: MemberId) -> Credentials | None:
        """The same, held until the end of the transaction."""
        is_member = MemberRow.id == member
        await self._session.execute(select(MemberRow.id).where(self._own(MemberRow), is_member).with_for_update())
        return await self._credentials(is_member)

    async def member_by_idempotency_key(self, key: str) -> Member | None:
        query = select(MemberRow).where(self._own(MemberRow), MemberRow.idempotency_key == key)
        row = await self._session.scalar(query)
        return None if row is None else _member(row)

    async def add_member(
        self,
        member: Member,
        password_hash: str | None = None,
        invitation: tuple[bytes, datetime.datetime] | None = None,
        idempotency_key: str | None = None,
    ) -> bool:
        """Whether the member was added; not, when the address or the idempotency key is taken."""
        added = await self._session.scalar(
            upsert(MemberRow)
            .values(
                tenant_id=self._tenant,
                id=member.id,
                email=member.email,
                name=member.name,
                roles=sorted(member.roles),
                state=str(member.state),
                password_hash=password_hash,
                invitation_sha256=invitation and invitation[0],
                invitation_expires_at=invitation and invitation[1],
                idempotency_key=idempotency_key,
                created_at=member.created_at,
            )
            .on_conflict_do_nothing()
            .returning(MemberRow.id)
        )
        return added is not None

    async def set_roles(self, member: MemberId, roles: frozenset[str]) -> None:
        await self._update_member(member, roles=sorted(roles))

    async def set_state(self, member: MemberId, state: MemberState) -> None:
        await self._update_member(member, state=str(state))

    async def set_password(self, member: MemberId, password_hash: str) -> None:
        """A password of the member's own; an invitation ends with it."""
        await self._update_member(
            member,
            password_hash=password_hash,
            state=str(MemberState.ACTIVE),
            invitation_sha256=None,
            invitation_expires_at=None,
        )

    async def lock_active_owners(self) -> frozenset[MemberId]:
        """The active owners, held until the end of the transaction: two owners cannot demote each other at once."""
        rows = await self._session.scalars(
            select(MemberRow.id)
            .where(self._own(MemberRow), MemberRow.state == "ACTIVE", MemberRow.roles.contains(["owner"]))
            .order_by(MemberRow.id)
            .with_for_update()
        )
        return frozenset(map(MemberId, rows))

    # Devices

    async def devices_by_id(self, ids: Collection[DeviceId]) -> Mapping[DeviceId, Device]:
        rows = await self._session.execute(_DEVICES, {"tenant": self._tenant, "keys": list(ids)})
        return {DeviceId(row.id): _device(row) for row in rows}

    async def devices(self, request: PageRequest) -> Page[Device]:
        query = select(DeviceRow).where(self._own(DeviceRow)).order_by(DeviceRow.id).limit(request.limit + 1)
        if (after := uuid_after(request)) is not None:
            query = query.where(DeviceRow.id > after)
        return page_of([_device(row) for row in await self._session.scalars(query)], request)

    async def device_by_idempotency_key(self, key: str) -> Device | None:
        query = select(DeviceRow).where(self._own(DeviceRow), DeviceRow.idempotency_key == key)
        row = await self._session.scalar(query)
        return None if row is None else _device(row)

    async def add_device(self, device: Device, registered_by: UUID | None, idempotency_key: str) -> bool:
        added = await self._session.scalar(
            upsert(DeviceRow)
            .values(
                tenant_id=self._tenant,
                id=device.id,
                name=device.name,
                kind=str(device.kind),
                serial_number=device.serial_number,
                registered_by=registered_by,
                idempotency_key=idempotency_key,
                created_at=device.created_at,
            )
            .on_conflict_do_nothing()
            .returning(DeviceRow.id)
        )
        return added is not None

    async def retire_device(self, device: DeviceId, now: datetime.datetime) -> None:
        """Retire it, and with it every key that it holds."""
        is_device = (DeviceRow.id == device) & DeviceRow.retired_at.is_(None)
        await self._session.execute(update(DeviceRow).where(self._own(DeviceRow), is_device).values(retired_at=now))
        is_usable = (ApiKeyRow.device_id == device) & (ApiKeyRow.revoked_at.is_(None) | (ApiKeyRow.revoked_at > now))
        await self._session.execute(update(ApiKeyRow).where(self._own(ApiKeyRow), is_usable).values(revoked_at=now))

    # API keys

    async def api_keys_by_id(self, ids: Collection[ApiKeyId]) -> Mapping[ApiKeyId, ApiKey]:
        rows = await self._session.execute(_API_KEYS, {"tenant": self._tenant, "keys": list(ids)})
        return {ApiKeyId(row.id): _api_key(row) for row in rows}

    async def api_keys(self, request: PageRequest) -> Page[ApiKey]:
        query = select(ApiKeyRow).where(self._own(ApiKeyRow)).order_by(ApiKeyRow.id).limit(request.limit + 1)
        if (after := uuid_after(request)) is not None:
            query = query.where(ApiKeyRow.id > after)
        return page_of([_api_key(row) for row in await self._session.scalars(query)], request)

    async def api_key_with_secret(self, prefix: str) -> tuple[ApiKey, bytes] | None:
        row = await self._session.scalar(select(ApiKeyRow).where(self._own(ApiKeyRow), ApiKeyRow.prefix == prefix))
        return None if row is None else (_api_key(row), row.secret_sha256)

    async def api_key_by_idempotency_key(self, key: str) -> ApiKey | None:
        query = select(ApiKeyRow).where(self._own(ApiKeyRow), ApiKeyRow.idempotency_key == key)
        row = await self._session.scalar(query)
        return None if row is None else _api_key(row)

    async def add_api_key(
        self,
        key: ApiKey,
        secret_sha256: bytes,
        created_by: UUID | None,
        idempotency_key: str | None,
        replaces: ApiKeyId | None = None,
    ) -> bool:
        added = await self._session.scalar(
            upsert(ApiKeyRow)
            .values(
                tenant_id=self._tenant,
                id=key.id,
                prefix=key.prefix,
                secret_sha256=secret_sha256,
                name=key.name,
                scopes=sorted(key.scopes),
                member_id=key.member,
                device_id=key.device,
                created_by=created_by,
                expires_at=key.expires_at,
                replaces_id=replaces,
                idempotency_key=idempotency_key,
                created_at=key.created_at,
            )
            .on_conflict_do_nothing()
            .returning(ApiKeyRow.id)
        )
        return added is not None

    async def revoke_api_key(self, key: ApiKeyId, at: datetime.datetime) -> None:
        """Close the key at this moment, unless it closes sooner."""
        sooner = func.least(func.coalesce(ApiKeyRow.revoked_at, at), at)
        is_key = ApiKeyRow.id == key
        await self._session.execute(update(ApiKeyRow).where(self._own(ApiKeyRow), is_key).values(revoked_at=sooner))

    async def touch_api_key(self, key: ApiKeyId, now: datetime.datetime) -> None:
        is_key = ApiKeyRow.id == key
        await self._session.execute(update(ApiKeyRow).where(self._own(ApiKeyRow), is_key).values(last_used_at=now))

    # Failed sign-ins

    async def hold_sign_in_failures(self, email_sha256: bytes, now: datetime.datetime) -> SignInFailures:
        """The count so far, held until the end of the transaction, so that attempts at once are all counted."""
        fresh = {"tenant_id": self._tenant, "email_sha256": email_sha256, "failures": 0, "last_at": now}
        await self._session.execute(upsert(SignInFailureRow).values(fresh).on_conflict_do_nothing())
        is_address = SignInFailureRow.email_sha256 == email_sha256
        rows = await self._session.scalars(
            select(SignInFailureRow).where(self._own(SignInFailureRow), is_address).with_for_update()
        )
        row = rows.one()
        return SignInFailures(row.failures, row.last_at, row.locked_until)

    async def store_sign_in_failures(
        self, email_sha256: bytes, counted: SignInFailures, forget_before: datetime.datetime
    ) -> None:
        is_address = SignInFailureRow.email_sha256 == email_sha256
        await self._session.execute(
            update(SignInFailureRow)
            .where(self._own(SignInFailureRow), is_address)
            .values(failures=counted.failures, last_at=counted.last_at, locked_until=counted.locked_until)
        )
        is_old = SignInFailureRow.last_at < forget_before
        await self._session.execute(delete(SignInFailureRow).where(self._own(SignInFailureRow), is_old))

    async def clear_sign_in_failures(self, email_sha256: bytes) -> None:
        is_address = SignInFailureRow.email_sha256 == email_sha256
        await self._session.execute(delete(SignInFailureRow).where(self._own(SignInFailureRow), is_address))

    def _own(
        self, table: type[WorkspaceRow | MemberRow | DeviceRow | ApiKeyRow | SignInFailureRow]
    ) -> ColumnElement[bool]:
        """Named in every query, so that the tenant-leading indexes are used; row security does not rely on it."""
        return table.tenant_id == self._tenant

    async def _credentials(self, condition: ColumnElement[bool]) -> Credentials | None:
        row = await self._session.scalar(select(MemberRow).where(self._own(MemberRow), condition))
        if row is None:
            return None
        return Credentials(_member(row), row.password_hash, row.invitation_sha256, row.invitation_expires_at)

    async def _update_member(self, member: MemberId, **changes: object) -> None:
        is_member = MemberRow.id == member
        await self._session.execute(update(MemberRow).where(self._own(MemberRow), is_member).values(**changes))


def _member(row: MemberRow) -> Member:
    roles = frozenset(row.roles)
    return Member(MemberId(row.id), row.email, row.name, roles, MemberState(row.state), row.created_at)


def _device(row: DeviceRow) -> Device:
    kind = DeviceKind(row.kind)
    return Device(DeviceId(row.id), row.name, kind, row.serial_number, row.retired_at, row.created_at)


def _api_key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=ApiKeyId(row.id),
        prefix=row.prefix,
        name=row.name,
        scopes=frozenset(row.scopes),
        member=None if row.member_id is None else MemberId(row.member_id),
        device=None if row.device_id is None else DeviceId(row.device_id),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        created_at=row.created_at,
    )
