"""What can be asked of tenancy. The tenant is never an argument: it is the caller's."""

import strawberry

from subgraphs.serving.context import Info
from subgraphs.serving.global_ids import key_of
from subgraphs.serving.roles import Role, Scope
from subgraphs.tenancy.types import ApiKey, Device, RoleGrant, User, Workspace


@strawberry.type
class Query:
    @strawberry.field(description="Who is asking; none for a device.")
    async def me(self, info: Info) -> User | None:
        user = info.context.known_caller().user
        return None if user is None else await User.by_key(info, user)

    @strawberry.field(description="The scopes that the caller has right now.")
    async def my_scopes(self, info: Info) -> list[str]:
        return sorted(info.context.known_caller().scopes)

    @strawberry.field(description="The caller's workspace.")
    async def workspace(self, info: Info) -> Workspace | None:
        info.context.require(Scope.WORKSPACE_READ)
        return await Workspace.own(info)

    @strawberry.field
    async def user(self, info: Info, id: strawberry.ID) -> User | None:
        info.context.require(Scope.WORKSPACE_READ)
        return await User.by_key(info, key_of(id, "User"))

    @strawberry.field
    async def device(self, info: Info, id: strawberry.ID) -> Device | None:
        info.context.require(Scope.WORKSPACE_READ)
        return await Device.by_key(info, key_of(id, "Device"))

    @strawberry.field
    async def api_key(self, info: Info, id: strawberry.ID) -> ApiKey | None:
        return await ApiKey.resolve_reference(info, id)

    @strawberry.field(description="What each role may do.")
    async def roles(self) -> list[RoleGrant]:
        return [RoleGrant.of(role) for role in Role]
