"""Tenancy's part of the graph: Workspace, User, Device and ApiKey, made from the model's values.

Everything here is the caller's own workspace's; an id of another one is an id of nothing.
"""

import datetime
from typing import Self
from uuid import UUID

import strawberry

from subgraphs.serving.connections import Connection, connection_of, page_request, sized_list
from subgraphs.serving.context import Info
from subgraphs.serving.errors import NotFound
from subgraphs.serving.global_ids import global_id, key_of
from subgraphs.serving.roles import Role, Scope, scopes_of
from subgraphs.tenancy import model
from subgraphs.tenancy.loaders import ApiKeysByIdLoader, DevicesByIdLoader, MembersByIdLoader
from subgraphs.tenancy.model import DeviceKind, MemberState
from subgraphs.tenancy.repository import Repository

strawberry.enum(DeviceKind)
strawberry.enum(MemberState, name="UserState")
strawberry.enum(Role)


@strawberry.type(description="What one role may do.")
class RoleGrant:
    role: Role
    scopes: list[str]

    @classmethod
    def of(cls, role: Role) -> Self:
        return cls(role=role, scopes=sorted(scopes_of([role])))


@strawberry.federation.type(keys=["id"], description="A person, as a member of the caller's workspace.")
class User:
    id: strawberry.ID
    name: str
    email: str
    roles: list[Role]
    state: MemberState
    created_at: datetime.datetime

    @classmethod
    def of(cls, member: model.Member) -> Self:
        return cls(
            id=global_id("User", member.id),
            name=member.name,
            email=member.email,
            roles=sorted(map(Role, member.roles)),
            state=member.state,
            created_at=member.created_at,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self:
        return await cls.by_key(info, key_of(id, "User"))

    @classmethod
    async def by_key(cls, info: Info, key: UUID) -> Self:
        member = await info.context.loader(MembersByIdLoader).load(model.MemberId(key))
        if member is None:
            raise NotFound("User")
        return cls.of(member)


@strawberry.federation.type(keys=["id"], description="A scanner or an edge server that sends scans.")
class Device:
    id: strawberry.ID
    name: str
    kind: DeviceKind
    serial_number: str
    retired_at: datetime.datetime | None
    created_at: datetime.datetime

    @classmethod
    def of(cls, device: model.Device) -> Self:
        return cls(
            id=global_id("Device", device.id),
            name=device.name,
            kind=device.kind,
            serial_number=device.serial_number,
            retired_at=device.retired_at,
            created_at=device.created_at,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self:
        return await cls.by_key(info, key_of(id, "Device"))

    @classmethod
    async def by_key(cls, info: Info, key: UUID) -> Self:
        device = await info.context.loader(DevicesByIdLoader).load(model.DeviceId(key))
        if device is None:
            raise NotFound("Device")
        return cls.of(device)


@strawberry.federation.type(keys=["id"], description="A key for programs. Its secret is shown once, when it is made.")
class ApiKey:
    id: strawberry.ID
    prefix: str = strawberry.field(description="The part that names the key; it opens nothing.")
    name: str
    scopes: list[str]
    expires_at: datetime.datetime | None
    last_used_at: datetime.datetime | None
    revoked_at: datetime.datetime | None = strawberry.field(
        description="Closed from this moment on; a rotated key's lies ahead."
    )
    created_at: datetime.datetime
    member_key: strawberry.Private[model.MemberId | None]
    device_key: strawberry.Private[model.DeviceId | None]

    @strawberry.field(description="The person that the key acts for; none for a device's.")
    async def user(self, info: Info) -> User | None:
        return None if self.member_key is None else await User.by_key(info, self.member_key)

    @strawberry.field(description="The device that the key acts for; none for a person's.")
    async def device(self, info: Info) -> Device | None:
        return None if self.device_key is None else await Device.by_key(info, self.device_key)

    @classmethod
    def of(cls, key: model.ApiKey) -> Self:
        return cls(
            id=global_id("ApiKey", key.id),
            prefix=key.prefix,
            name=key.name,
            scopes=sorted(key.scopes),
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
            created_at=key.created_at,
            member_key=key.member,
            device_key=key.device,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self:
        info.context.require(Scope.KEYS_MANAGE)
        key = await info.context.loader(ApiKeysByIdLoader).load(model.ApiKeyId(key_of(id, "ApiKey")))
        if key is None:
            raise NotFound("ApiKey")
        return cls.of(key)


@strawberry.federation.type(keys=["id", "slug"], description="A tenant: everything that one company keeps here.")
class Workspace:
    id: strawberry.ID
    slug: str
    name: str
    created_at: datetime.datetime

    @strawberry.field(directives=sized_list(), description="Its people, oldest first.")
    async def members(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[User]:
        info.context.require(Scope.WORKSPACE_READ)
        request = page_request(first, after)
        async with info.context.reading() as work:
            page = await Repository(work).members(request)
        return connection_of(page, request, User.of, lambda member: (str(member.id),))

    @strawberry.field(directives=sized_list(), description="Its devices, oldest first, retired ones too.")
    async def devices(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Device]:
        info.context.require(Scope.WORKSPACE_READ)
        request = page_request(first, after)
        async with info.context.reading() as work:
            page = await Repository(work).devices(request)
        return connection_of(page, request, Device.of, lambda device: (str(device.id),))

    @strawberry.field(directives=sized_list(), description="Its API keys, oldest first. Needs keys:manage.")
    async def api_keys(
        self, info: Info, first: int | None = None, after: str | None = None
    ) -> Connection[ApiKey] | None:
        info.context.require(Scope.KEYS_MANAGE)
        request = page_request(first, after)
        async with info.context.reading() as work:
            page = await Repository(work).api_keys(request)
        return connection_of(page, request, ApiKey.of, lambda key: (str(key.id),))

    @classmethod
    def of(cls, workspace: model.Workspace) -> Self:
        return cls(
            id=global_id("Workspace", workspace.id),
            slug=workspace.slug,
            name=workspace.name,
            created_at=workspace.created_at,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID | None = None, slug: str | None = None) -> Self:
        own = await cls.own(info)
        if (id is not None and id != own.id) or (slug is not None and slug != own.slug):
            raise NotFound("Workspace")
        return own

    @classmethod
    async def own(cls, info: Info) -> Self:
        """The caller's workspace: the only one there is, for this caller."""
        async with info.context.reading() as work:
            workspace = await Repository(work).workspace()
        if workspace is None:
            raise NotFound("Workspace")
        return cls.of(workspace)
