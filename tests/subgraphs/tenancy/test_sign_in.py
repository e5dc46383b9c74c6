"""Getting in: passwords, API keys, invitations, and everything that must keep others out."""

import asyncio
import statistics
import time
from typing import Any

import pytest

from tests.subgraphs.conftest import PASSWORD
from tests.subgraphs.tenancy.conftest import Tenancy

pytestmark = pytest.mark.stack


async def test_the_right_password_opens_the_workspace(tenancy: Tenancy) -> None:
    entered = await tenancy.sign_in("acme", "Owner@acme.example ")
    assert entered["__typename"] == "SignedIn"
    assert "audit:read" in entered["scopes"]  # type: ignore[operator]
    asker = tenancy.nobody.as_user(str(entered["token"]))
    assert (await asker.data_of("{ me { email roles } workspace { slug name } }")) == {
        "me": {"email": "owner@acme.example", "roles": ["OWNER"]},
        "workspace": {"slug": "acme", "name": "Acme Castings"},
    }


@pytest.mark.parametrize(
    ("slug", "email", "password"),
    [
        ("acme", "owner@acme.example", "wrong password"),
        ("acme", "nobody@acme.example", PASSWORD),
        ("acme", "owner@rival.example", PASSWORD),
        ("rival", "owner@acme.example", PASSWORD),
        ("no-such-place", "owner@acme.example", PASSWORD),
        ("acme", "viewer@acme.example", ""),
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(tenancy: Tenancy, slug: str, email: str, password: str) -> None:
    assert await tenancy.sign_in(slug, email, password) == {
        "__typename": "InvalidCredentials",
        "code": "INVALID_CREDENTIALS",
        "message": "These credentials do not open this workspace.",
        "retryable": False,
    }


async def test_an_unknown_address_takes_as_long_as_a_known_one(tenancy: Tenancy) -> None:
    async def seconds(slug: str, email: str) -> float:
        started = time.perf_counter()
        await tenancy.sign_in(slug, email, "wrong password")
        return time.perf_counter() - started

    unknown, nowhere = [], []
    known = [await seconds("acme", "operator@acme.example")]
    for number in range(3):
        unknown.append(await seconds("acme", f"nobody{number}@acme.example"))
        nowhere.append(await seconds("no-such-place", "operator@acme.example"))
    # Hashing is most of it, so no path may skip it. (The stored hashes of these tests are cheap: known is quicker.)
    assert statistics.median(unknown) > known[0] / 4
    assert statistics.median(nowhere) > known[0] / 4


@pytest.mark.parametrize("email", ["auditor@acme.example", "nobody-at-all@acme.example"])
async def test_many_failures_lock_the_address_known_or_not(tenancy: Tenancy, email: str) -> None:
    for _ in range(5):
        assert (await tenancy.sign_in("acme", email, "wrong password"))["__typename"] == "InvalidCredentials"
    locked = await tenancy.sign_in("acme", email)
    assert (locked["__typename"], locked["code"], locked["retryable"]) == ("TooManyAttempts", "SIGN_IN_LOCKED", True)
    assert 0 < int(str(locked["retryAfterMs"])) <= 30_000


async def test_a_burst_does_not_outrun_its_count(tenancy: Tenancy) -> None:
    answers = await asyncio.gather(
        *(tenancy.sign_in("acme", "burst@acme.example", "wrong password") for _ in range(12))
    )
    names = [answer["__typename"] for answer in answers]
    assert names.count("InvalidCredentials") == 5
    assert names.count("TooManyAttempts") == 7


INVITE = """
mutation($input: InviteMemberInput!) {
  inviteMember(input: $input) {
    __typename
    ... on MemberInvited { invitation user { id email state roles } }
    ... on Problem { code path }
  }
}
"""
ACCEPT = """
mutation($input: AcceptInvitationInput!) {
  acceptInvitation(input: $input) {
    __typename ... on SignedIn { token viewer { email state } } ... on Problem { code }
  }
}
"""


def invitation(email: str, key: str, roles: tuple[str, ...] = ("OPERATOR",)) -> dict[str, Any]:
    return {"input": {"email": email, "name": "New one", "roles": list(roles), "idempotencyKey": key}}


async def test_an_invited_member_sets_a_password_once(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    invited = (await owner.data_of(INVITE, invitation("new@acme.example", "invite-1")))["inviteMember"]
    assert invited["user"]["state"] == "INVITED"
    given = {"workspaceSlug": "acme", "invitation": invited["invitation"], "password": "a password of mine"}
    assert (await tenancy.sign_in("acme", "new@acme.example", ""))["__typename"] == "InvalidCredentials"

    weak = await tenancy.nobody.data_of(ACCEPT, {"input": {**given, "password": "short"}})
    assert weak["acceptInvitation"] == {"__typename": "InvalidInput", "code": "WEAK_PASSWORD"}
    elsewhere = await tenancy.nobody.data_of(ACCEPT, {"input": {**given, "workspaceSlug": "rival"}})
    assert elsewhere["acceptInvitation"]["__typename"] == "InvalidCredentials"

    tries = await asyncio.gather(*(tenancy.nobody.data_of(ACCEPT, {"input": given}) for _ in range(3)))
    names = sorted(answer["acceptInvitation"]["__typename"] for answer in tries)
    assert names == ["InvalidCredentials", "InvalidCredentials", "SignedIn"]
    entered = await tenancy.sign_in("acme", "new@acme.example", "a password of mine")
    assert entered["__typename"] == "SignedIn"


async def test_inviting_again_with_the_same_key_answers_the_same_member_without_the_secret(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    first = (await owner.data_of(INVITE, invitation("twice@acme.example", "invite-2")))["inviteMember"]
    again = (await owner.data_of(INVITE, invitation("twice@acme.example", "invite-2")))["inviteMember"]
    assert again == {**first, "invitation": None}
    other = (await owner.data_of(INVITE, invitation("other@acme.example", "invite-2")))["inviteMember"]
    assert other == {
        "__typename": "ConflictProblem",
        "code": "IDEMPOTENCY_KEY_USED",
        "path": ["input", "idempotencyKey"],
    }
    taken = (await owner.data_of(INVITE, invitation("twice@acme.example", "invite-3")))["inviteMember"]
    assert taken == {"__typename": "ConflictProblem", "code": "EMAIL_TAKEN", "path": ["input", "email"]}


async def test_a_changed_password_closes_the_old_one(tenancy: Tenancy) -> None:
    change = """
    mutation($input: ChangePasswordInput!) {
      changePassword(input: $input) { __typename ... on Problem { code } }
    }
    """
    viewer = await tenancy.person("quality_engineer")
    wrong = {"input": {"oldPassword": "not this", "password": "a new password"}}
    assert (await viewer.data_of(change, wrong))["changePassword"]["__typename"] == "InvalidCredentials"
    right = {"input": {"oldPassword": PASSWORD, "password": "a new password"}}
    assert (await viewer.data_of(change, right))["changePassword"]["__typename"] == "User"
    assert (await tenancy.sign_in("acme", "quality_engineer@acme.example"))["__typename"] == "InvalidCredentials"
    entered = await tenancy.sign_in("acme", "quality_engineer@acme.example", "a new password")
    assert entered["__typename"] == "SignedIn"
