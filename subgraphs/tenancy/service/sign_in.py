"""Prove who you are: by password, by API key, by invitation. In: what was shown. Out: a subject and its token.

Refuses with one answer whatever was wrong, in about the same time. An attempt is counted before it is judged, so a
burst cannot outrun its count; five free ones, then each doubles the wait. This is the third place where a `Caller` is
made, besides verified caller tokens and signed jobs: it names the tenant of the slug or key that was shown, and has no
scopes until that holds.
"""

import datetime
from dataclasses import dataclass

from db.caller import Caller, TenantId, UserId
from db.engine import Database
from subgraphs.serving.roles import Role, scopes_of
from subgraphs.tenancy import events, policy
from subgraphs.tenancy.errors import SignInLocked, WrongCredentials
from subgraphs.tenancy.model import ApiKey, Credentials, Member, MemberState, SignedToken, Subject
from subgraphs.tenancy.passwords import Passwords
from subgraphs.tenancy.repository import Directory, Repository
from subgraphs.tenancy.secret_texts import is_secret, read_api_key_text, sha256_of
from subgraphs.tenancy.user_tokens import UserTokens


@dataclass(frozen=True)
class Door:
    """What the process needs to let somebody in."""

    database: Database
    directory: Directory
    passwords: Passwords
    tokens: UserTokens


@dataclass(frozen=True)
class Entered:
    """Somebody who proved who they are. `caller` may read what they may read."""

    caller: Caller
    member: Member | None
    token: SignedToken


async def sign_in(door: Door, slug: str, email: str, password: str, now: datetime.datetime) -> Entered:
    email = email.strip().lower()
    tenant = await door.directory.tenant_of_slug(slug)
    if tenant is None:
        await door.passwords.match(password, None)
        raise WrongCredentials
    credentials = await _count_attempt(door, tenant, email, now)
    is_active = credentials is not None and credentials.member.state is MemberState.ACTIVE
    stored = credentials.password_hash if credentials is not None and is_active else None
    if not await door.passwords.match(password, stored) or credentials is None:
        raise WrongCredentials
    renewed = await door.passwords.hash(password) if stored and door.passwords.is_outdated(stored) else None
    caller = _caller_for(tenant, credentials.member)
    async with door.database.begin(caller) as work:
        repository = Repository(work)
        await repository.clear_sign_in_failures(sha256_of(email))
        if renewed is not None:
            await repository.set_password(credentials.member.id, renewed)
        await work.ledger.append(
            events.SIGNED_IN, credentials.member.id, technical={"by": "password"}, personal={"email": email}
        )
    return _entered(door, caller, credentials.member, now)


async def accept_invitation(door: Door, slug: str, invitation: str, password: str, now: datetime.datetime) -> Entered:
    """Set the password that an invited member signs in with from now on."""
    tenant = await door.directory.tenant_of_slug(slug)
    if tenant is None:
        raise WrongCredentials
    async with door.database.begin(_stranger(tenant)) as work:
        credentials = await Repository(work).credentials_by_invitation(sha256_of(invitation))
    if credentials is None or not _is_open(credentials, invitation, now):
        raise WrongCredentials
    member = credentials.member
    hashed = await door.passwords.hash(policy.checked_password(password, member.email))
    caller = _caller_for(tenant, member)
    async with door.database.begin(caller) as work:
        repository = Repository(work)
        # Held and looked at again: an invitation opens once, however many try it at the same time.
        again = await repository.hold_credentials(member.id)
        if again is None or not _is_open(again, invitation, now):
            raise WrongCredentials
        await repository.set_password(member.id, hashed)
        await work.ledger.append(events.INVITATION_ACCEPTED, member.id, technical={}, personal={"email": member.email})
    return _entered(door, caller, member, now)


async def exchange_api_key(door: Door, text: str, now: datetime.datetime) -> Entered:
    """A token for whoever holds the key: its member, or its device."""
    shown = read_api_key_text(text)
    tenant = await door.directory.tenant_of_api_key(shown.prefix)
    if tenant is None:
        raise WrongCredentials
    async with door.database.begin(_stranger(tenant)) as work:
        repository = Repository(work)
        found = await repository.api_key_with_secret(shown.prefix)
        if found is None or not is_secret(shown.secret, found[1]) or not found[0].is_usable(now):
            raise WrongCredentials
        key = found[0]
        subject, member = await _holder(repository, tenant, key)
        await repository.touch_api_key(key.id, now)
        await work.ledger.append(events.API_KEY_EXCHANGED, key.id, technical={"holder": str(subject.id)})
    user = None if subject.is_device else UserId(subject.id)
    caller = Caller(tenant, user, subject.roles, subject.scopes, subject.name)
    return Entered(caller, member, door.tokens.issue(subject, now))


async def _count_attempt(door: Door, tenant: TenantId, email: str, now: datetime.datetime) -> Credentials | None:
    """Count it as failed until it is shown otherwise; refuse it unheard while the address is locked."""
    async with door.database.begin(_stranger(tenant)) as work:
        repository = Repository(work)
        address = sha256_of(email)
        before = await repository.hold_sign_in_failures(address, now)
        if before.locked_until is not None and before.locked_until > now:
            raise SignInLocked((before.locked_until - now).total_seconds())
        counted = policy.after_failure(before, now)
        await repository.store_sign_in_failures(address, counted, now - policy.FAILURES_FORGOTTEN_AFTER)
        credentials = await repository.credentials_by_email(email)
        if counted.locked_until is not None and credentials is not None:
            await work.ledger.append(
                events.SIGN_IN_LOCKED, credentials.member.id, technical={"failures": counted.failures}
            )
    return credentials


async def _holder(repository: Repository, tenant: TenantId, key: ApiKey) -> tuple[Subject, Member | None]:
    """Who acts by this key; a key never gives more than its holder may do today."""
    if key.device is not None:
        device = (await repository.devices_by_id([key.device])).get(key.device)
        if device is None or device.retired_at is not None:
            raise WrongCredentials
        roles = frozenset({str(Role.DEVICE)})
        scopes = key.scopes & scopes_of(roles)
        return Subject(device.id, tenant, device.name, roles, scopes, is_device=True), None
    assert key.member is not None
    member = (await repository.members_by_id([key.member])).get(key.member)
    if member is None or member.state is not MemberState.ACTIVE:
        raise WrongCredentials
    scopes = key.scopes & policy.scopes_of_member(member)
    return Subject(member.id, tenant, member.name, member.roles, scopes), member


def _is_open(credentials: Credentials, invitation: str, now: datetime.datetime) -> bool:
    expires_at = credentials.invitation_expires_at
    return (
        credentials.member.state is MemberState.INVITED
        and is_secret(invitation, credentials.invitation_sha256)
        and expires_at is not None
        and expires_at > now
    )


def _stranger(tenant: TenantId) -> Caller:
    return Caller(tenant, None, frozenset(), frozenset(), "sign-in")


def _caller_for(tenant: TenantId, member: Member) -> Caller:
    return Caller(tenant, UserId(member.id), member.roles, scopes_of(member.roles), member.name)


def _entered(door: Door, caller: Caller, member: Member, now: datetime.datetime) -> Entered:
    subject = Subject(member.id, caller.tenant, member.name, member.roles, caller.scopes)
    return Entered(caller, member, door.tokens.issue(subject, now))
