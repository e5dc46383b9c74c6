"""Members: invite them, give them roles, suspend them (`members:manage`); change one's own password.

A workspace never loses its last active owner, and nobody makes an owner who is not one.
"""

import datetime
from dataclasses import dataclass

from db.outbox import new_id
from db.unit_of_work import UnitOfWork
from subgraphs.serving.errors import Forbidden, NotFound
from subgraphs.serving.roles import Role, Scope
from subgraphs.tenancy import events, policy
from subgraphs.tenancy.errors import EmailTaken, KeyUsedOtherwise, LastOwner, WrongCredentials
from subgraphs.tenancy.model import Member, MemberId, MemberState
from subgraphs.tenancy.passwords import Passwords
from subgraphs.tenancy.repository import Repository
from subgraphs.tenancy.secret_texts import RandomBytes, new_secret, sha256_of


@dataclass(frozen=True)
class Invitation:
    """`token` is shown once; none when the same request was answered before."""

    member: Member
    token: str | None


async def invite(
    work: UnitOfWork,
    email: str,
    name: str,
    roles: frozenset[str],
    idempotency_key: str,
    now: datetime.datetime,
    random_bytes: RandomBytes,
) -> Invitation:
    email, name = policy.checked_email(email), policy.checked_name(name)
    roles, key = policy.checked_roles(roles), policy.checked_idempotency_key(idempotency_key)
    _may_give(work, roles)
    repository = Repository(work)
    token = new_secret(random_bytes)
    member = Member(MemberId(new_id()), email, name, roles, MemberState.INVITED, now)
    invitation = (sha256_of(token), now + policy.INVITATION_LIFETIME)
    if not await repository.add_member(member, invitation=invitation, idempotency_key=key):
        earlier = await repository.member_by_idempotency_key(key)
        if earlier is None:
            raise EmailTaken
        if (earlier.email, earlier.name) != (email, name):
            raise KeyUsedOtherwise
        return Invitation(earlier, None)
    await work.ledger.append(
        events.MEMBER_INVITED,
        member.id,
        technical={"roles": sorted(roles)},
        personal={"email": email, "name": name},
        subject=member.id,
    )
    return Invitation(member, token)


async def change_roles(work: UnitOfWork, member_id: MemberId, roles: frozenset[str]) -> Member:
    roles = policy.checked_roles(roles)
    member = await _member(work, member_id)
    _may_give(work, roles ^ member.roles)
    if Role.OWNER not in roles:
        await _keep_an_owner(work, member_id)
    repository = Repository(work)
    await repository.set_roles(member_id, roles)
    await work.ledger.append(
        events.MEMBER_ROLES_CHANGED, member_id, technical={"from": sorted(member.roles), "to": sorted(roles)}
    )
    return await _member(work, member_id)


async def suspend(work: UnitOfWork, member_id: MemberId) -> Member:
    """From now on neither the member nor its keys get a new token."""
    member = await _member(work, member_id)
    _may_give(work, member.roles & {str(Role.OWNER)})
    await _keep_an_owner(work, member_id)
    await Repository(work).set_state(member_id, MemberState.SUSPENDED)
    await work.ledger.append(events.MEMBER_SUSPENDED, member_id, technical={"from": str(member.state)})
    return await _member(work, member_id)


async def change_password(work: UnitOfWork, passwords: Passwords, old: str, new: str) -> Member:
    """The caller's own; the old one is asked for, since a token may have been left lying about."""
    if work.caller.user is None:
        raise Forbidden(Scope.WORKSPACE_READ)
    repository = Repository(work)
    credentials = await repository.credentials_by_id(MemberId(work.caller.user))
    if credentials is None or credentials.member.state is not MemberState.ACTIVE:
        raise NotFound("User")
    if not await passwords.match(old, credentials.password_hash):
        raise WrongCredentials
    member = credentials.member
    await repository.set_password(member.id, await passwords.hash(policy.checked_password(new, member.email)))
    await work.ledger.append(events.PASSWORD_CHANGED, member.id, technical={})
    return member


async def _member(work: UnitOfWork, member_id: MemberId) -> Member:
    member = (await Repository(work).members_by_id([member_id])).get(member_id)
    if member is None:
        raise NotFound("User", ("input", "userId"))
    return member


async def _keep_an_owner(work: UnitOfWork, leaving: MemberId) -> None:
    owners = await Repository(work).lock_active_owners()
    if owners == {leaving}:
        raise LastOwner


def _may_give(work: UnitOfWork, roles: frozenset[str]) -> None:
    """Only an owner makes, unmakes or suspends owners."""
    if Role.OWNER in roles and Role.OWNER not in work.caller.roles:
        raise Forbidden(f"role {Role.OWNER}")
