"""What can be done in tenancy: flat verbs with one `input`, answered by a union of the result and its problems."""

import datetime
import os
from collections.abc import Iterable
from typing import Annotated, Self

import strawberry

from subgraphs.serving.context import Info
from subgraphs.serving.errors import Refused
from subgraphs.serving.global_ids import key_of
from subgraphs.serving.problems import (
    ConflictProblem,
    InvalidInput,
    NotAllowed,
    NotFoundProblem,
    Problem,
    ShownAs,
)
from subgraphs.serving.roles import Role, Scope
from subgraphs.tenancy import model
from subgraphs.tenancy.errors import SignInLocked, WrongCredentials
from subgraphs.tenancy.model import DeviceKind
from subgraphs.tenancy.service import api_keys, devices, members, sign_in
from subgraphs.tenancy.types import ApiKey, Device, User


@strawberry.type(description="Workspace, address, password, key or invitation: it is never said which was wrong.")
class InvalidCredentials(Problem): ...


@strawberry.type(description="Too many failed attempts for this address.")
class TooManyAttempts(Problem):
    retry_after_ms: int

    @classmethod
    def of(cls, refused: Refused) -> Self:
        assert isinstance(refused, SignInLocked)
        return cls(
            code=refused.code,
            message=refused.message,
            path=list(refused.path),
            retryable=True,
            retry_after_ms=round(refused.retry_after_s * 1000),
        )


HANDLERS = (ShownAs(WrongCredentials, InvalidCredentials), ShownAs(SignInLocked, TooManyAttempts))


@strawberry.type(description="A token to show the gateway: `Authorization: Bearer <token>`.")
class SignedIn:
    token: str
    expires_at: datetime.datetime
    scopes: list[str]
    viewer: User | None = strawberry.field(description="The person who signed in; none for a device.")

    @classmethod
    def of(cls, entered: sign_in.Entered) -> Self:
        return cls(
            token=entered.token.text,
            expires_at=entered.token.expires_at,
            scopes=sorted(entered.caller.scopes),
            viewer=None if entered.member is None else User.of(entered.member),
        )


@strawberry.type(description="An API key with its secret, which is shown this once.")
class ApiKeyCreated:
    api_key: ApiKey
    secret: str | None = strawberry.field(description="None when the same request was answered before.")

    @classmethod
    def of(cls, made: api_keys.MadeApiKey) -> Self:
        return cls(api_key=ApiKey.of(made.key), secret=made.secret)


@strawberry.type(description="A member who can set a password with the token, which is shown this once.")
class MemberInvited:
    user: User
    invitation: str | None = strawberry.field(description="None when the same request was answered before.")


@strawberry.input
class SignInInput:
    workspace_slug: str
    email: str
    password: str


@strawberry.input
class ExchangeApiKeyInput:
    api_key: str


@strawberry.input
class AcceptInvitationInput:
    workspace_slug: str
    invitation: str
    password: str


@strawberry.input
class ChangePasswordInput:
    old_password: str
    password: str


@strawberry.input
class InviteMemberInput:
    email: str
    name: str
    roles: list[Role]
    idempotency_key: str


@strawberry.input
class ChangeMemberRolesInput:
    user_id: strawberry.ID
    roles: list[Role]


@strawberry.input
class SuspendMemberInput:
    user_id: strawberry.ID


@strawberry.input
class RegisterDeviceInput:
    name: str
    kind: DeviceKind
    serial_number: str
    idempotency_key: str


@strawberry.input
class RetireDeviceInput:
    device_id: strawberry.ID


@strawberry.input
class CreateApiKeyInput:
    name: str
    scopes: list[str]
    idempotency_key: str
    device_id: strawberry.ID | None = strawberry.field(default=None, description="Without one the key acts for you.")
    expires_at: datetime.datetime | None = None


@strawberry.input
class RotateApiKeyInput:
    api_key_id: strawberry.ID
    idempotency_key: str


@strawberry.input
class RevokeApiKeyInput:
    api_key_id: strawberry.ID


SignInOutcome = Annotated[SignedIn | InvalidCredentials | TooManyAttempts, strawberry.union("SignInOutcome")]
ExchangeApiKeyOutcome = Annotated[SignedIn | InvalidCredentials, strawberry.union("ExchangeApiKeyOutcome")]
AcceptInvitationOutcome = Annotated[
    SignedIn | InvalidCredentials | InvalidInput, strawberry.union("AcceptInvitationOutcome")
]
ChangePasswordOutcome = Annotated[
    User | InvalidCredentials | InvalidInput | NotAllowed, strawberry.union("ChangePasswordOutcome")
]
InviteMemberOutcome = Annotated[
    MemberInvited | InvalidInput | ConflictProblem | NotAllowed, strawberry.union("InviteMemberOutcome")
]
MemberOutcome = Annotated[
    User | InvalidInput | ConflictProblem | NotFoundProblem | NotAllowed, strawberry.union("MemberOutcome")
]
DeviceOutcome = Annotated[
    Device | InvalidInput | ConflictProblem | NotFoundProblem | NotAllowed, strawberry.union("DeviceOutcome")
]
ApiKeyOutcome = Annotated[
    ApiKeyCreated | InvalidInput | ConflictProblem | NotFoundProblem | NotAllowed, strawberry.union("ApiKeyOutcome")
]
RevokeApiKeyOutcome = Annotated[
    ApiKey | ConflictProblem | NotFoundProblem | NotAllowed, strawberry.union("RevokeApiKeyOutcome")
]


def _door(info: Info) -> sign_in.Door:
    return info.context.resources.get(sign_in.Door)


def _names(roles: Iterable[object]) -> frozenset[str]:
    return frozenset(map(str, roles))


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Sign in to a workspace with an address and a password.")
    async def sign_in(self, info: Info, input: SignInInput) -> SignInOutcome:
        now = info.context.resources.now()
        return SignedIn.of(await sign_in.sign_in(_door(info), input.workspace_slug, input.email, input.password, now))

    @strawberry.mutation(description="A token for whoever holds this API key.")
    async def exchange_api_key(self, info: Info, input: ExchangeApiKeyInput) -> ExchangeApiKeyOutcome:
        now = info.context.resources.now()
        return SignedIn.of(await sign_in.exchange_api_key(_door(info), input.api_key, now))

    @strawberry.mutation(description="Set the password of an invited member, and sign in.")
    async def accept_invitation(self, info: Info, input: AcceptInvitationInput) -> AcceptInvitationOutcome:
        now = info.context.resources.now()
        return SignedIn.of(
            await sign_in.accept_invitation(_door(info), input.workspace_slug, input.invitation, input.password, now)
        )

    @strawberry.mutation(description="Change your own password.")
    async def change_password(self, info: Info, input: ChangePasswordInput) -> ChangePasswordOutcome:
        async with info.context.changing() as work:
            passwords = _door(info).passwords
            return User.of(await members.change_password(work, passwords, input.old_password, input.password))

    @strawberry.mutation(description="Needs members:manage; only an owner invites an owner.")
    async def invite_member(self, info: Info, input: InviteMemberInput) -> InviteMemberOutcome:
        info.context.require(Scope.MEMBERS_MANAGE)
        now = info.context.resources.now()
        async with info.context.changing() as work:
            invited = await members.invite(
                work, input.email, input.name, _names(input.roles), input.idempotency_key, now, os.urandom
            )
        return MemberInvited(user=User.of(invited.member), invitation=invited.token)

    @strawberry.mutation(description="Needs members:manage; takes effect with the member's next token.")
    async def change_member_roles(self, info: Info, input: ChangeMemberRolesInput) -> MemberOutcome:
        info.context.require(Scope.MEMBERS_MANAGE)
        member_id = model.MemberId(key_of(input.user_id, "User"))
        async with info.context.changing() as work:
            return User.of(await members.change_roles(work, member_id, _names(input.roles)))

    @strawberry.mutation(description="Needs members:manage. The member's keys stop working too.")
    async def suspend_member(self, info: Info, input: SuspendMemberInput) -> MemberOutcome:
        info.context.require(Scope.MEMBERS_MANAGE)
        member_id = model.MemberId(key_of(input.user_id, "User"))
        async with info.context.changing() as work:
            return User.of(await members.suspend(work, member_id))

    @strawberry.mutation(description="Needs devices:manage.")
    async def register_device(self, info: Info, input: RegisterDeviceInput) -> DeviceOutcome:
        info.context.require(Scope.DEVICES_MANAGE)
        now = info.context.resources.now()
        async with info.context.changing() as work:
            return Device.of(
                await devices.register(work, input.name, input.kind, input.serial_number, input.idempotency_key, now)
            )

    @strawberry.mutation(description="Needs devices:manage. The device's keys stop working.")
    async def retire_device(self, info: Info, input: RetireDeviceInput) -> DeviceOutcome:
        info.context.require(Scope.DEVICES_MANAGE)
        device_id = model.DeviceId(key_of(input.device_id, "Device"))
        now = info.context.resources.now()
        async with info.context.changing() as work:
            return Device.of(await devices.retire(work, device_id, now))

    @strawberry.mutation(description="Needs keys:manage. Scopes are no more than yours and the holder's.")
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> ApiKeyOutcome:
        info.context.require(Scope.KEYS_MANAGE)
        wanted = api_keys.NewApiKey(
            name=input.name,
            scopes=frozenset(input.scopes),
            device=None if input.device_id is None else model.DeviceId(key_of(input.device_id, "Device")),
            expires_at=input.expires_at,
            idempotency_key=input.idempotency_key,
        )
        async with info.context.changing() as work:
            return ApiKeyCreated.of(await api_keys.create(work, wanted, info.context.resources.now(), os.urandom))

    @strawberry.mutation(description="Needs keys:manage. The old key works for another day.")
    async def rotate_api_key(self, info: Info, input: RotateApiKeyInput) -> ApiKeyOutcome:
        info.context.require(Scope.KEYS_MANAGE)
        key_id = model.ApiKeyId(key_of(input.api_key_id, "ApiKey"))
        now = info.context.resources.now()
        async with info.context.changing() as work:
            return ApiKeyCreated.of(await api_keys.rotate(work, key_id, input.idempotency_key, now, os.urandom))

    @strawberry.mutation(description="Needs keys:manage. Closed at once.")
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyOutcome:
        info.context.require(Scope.KEYS_MANAGE)
        key_id = model.ApiKeyId(key_of(input.api_key_id, "ApiKey"))
        async with info.context.changing() as work:
            return ApiKey.of(await api_keys.revoke(work, key_id, info.context.resources.now()))
