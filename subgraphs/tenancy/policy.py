"""The rules that need no database: how passwords, addresses, scopes and lockouts must be. Pure."""

import datetime
import re
from collections.abc import Collection
from typing import Final

from subgraphs.serving.errors import BadInput
from subgraphs.serving.roles import Role, scopes_of
from subgraphs.tenancy.errors import ScopesTooWide, WeakPassword
from subgraphs.tenancy.model import Member, MemberState, SignInFailures

LEAST_PASSWORD_LENGTH: Final = 12
LONGEST_TEXT: Final = 200
FREE_FAILURES: Final = 5
FIRST_LOCK: Final = datetime.timedelta(seconds=30)
LONGEST_LOCK: Final = datetime.timedelta(minutes=15)
FAILURES_FORGOTTEN_AFTER: Final = datetime.timedelta(hours=24)
INVITATION_LIFETIME: Final = datetime.timedelta(days=7)
ROTATION_OVERLAP: Final = datetime.timedelta(hours=24)

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


def checked_email(text: str) -> str:
    """The address in the one spelling that is stored."""
    email = text.strip().lower()
    if len(email) > LONGEST_TEXT or not _EMAIL.fullmatch(email):
        raise BadInput("This is no e-mail address.", ("input", "email"))
    return email


def checked_slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        raise BadInput("A slug is 2 to 63 of a-z, 0-9 and -, and starts with none of -.", ("input", "slug"))
    return text


def checked_name(text: str, field: str = "name") -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST_TEXT:
        raise BadInput(f"A name has 1 to {LONGEST_TEXT} characters.", ("input", field))
    return name


def checked_idempotency_key(text: str) -> str:
    if not 8 <= len(text) <= LONGEST_TEXT:
        raise BadInput(f"An idempotency key has 8 to {LONGEST_TEXT} characters.", ("input", "idempotencyKey"))
    return text


def checked_password(password: str, email: str) -> str:
    # Past 1000 bytes hashing would be a way to keep us busy.
    if not LEAST_PASSWORD_LENGTH <= len(password) <= 1000 or password.strip().lower() == email:
        raise WeakPassword(LEAST_PASSWORD_LENGTH)
    return password


def checked_roles(roles: Collection[str]) -> frozenset[str]:
    """Roles that a person can have."""
    wanted = frozenset(roles)
    if not wanted or not wanted <= {str(role) for role in Role if role is not Role.DEVICE}:
        raise BadInput("A member has one or more of the roles for people.", ("input", "roles"))
    return wanted


def checked_scopes(wanted: Collection[str], of_maker: frozenset[str], of_holder: frozenset[str]) -> frozenset[str]:
    """Scopes for a key: no more than its maker has and its holder could have."""
    scopes = frozenset(wanted)
    if not scopes:
        raise BadInput("A key needs at least one scope.", ("input", "scopes"))
    if refused := scopes - (of_maker & of_holder):
        raise ScopesTooWide(refused)
    return scopes


def scopes_of_member(member: Member) -> frozenset[str]:
    return scopes_of(member.roles) if member.state is MemberState.ACTIVE else frozenset()


def after_failure(before: SignInFailures, now: datetime.datetime) -> SignInFailures:
    """The count after one more failure; past the free ones each doubles the wait."""
    failures = 1 if now - before.last_at > FAILURES_FORGOTTEN_AFTER else before.failures + 1
    if failures < FREE_FAILURES:
        return SignInFailures(failures, now, None)
    doublings = min(failures - FREE_FAILURES, 10)
    return SignInFailures(failures, now, now + min(FIRST_LOCK * 2**doublings, LONGEST_LOCK))
