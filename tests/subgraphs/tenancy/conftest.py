"""Tenancy, opened in this process, and its people signed in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from subgraphs.catalogue import open_subgraphs
from tests.subgraphs.asking import Asker
from tests.subgraphs.conftest import PASSWORD, House

SIGN_IN = """
mutation($input: SignInInput!) {
  signIn(input: $input) {
    __typename
    ... on SignedIn { token expiresAt scopes viewer { id name email } }
    ... on Problem { code message retryable }
    ... on TooManyAttempts { retryAfterMs }
  }
}
"""


@dataclass(frozen=True)
class Tenancy:
    house: House
    nobody: Asker

    async def sign_in(self, slug: str, email: str, password: str = PASSWORD) -> dict[str, object]:
        given = {"workspaceSlug": slug, "email": email, "password": password}
        answer: dict[str, object] = (await self.nobody.data_of(SIGN_IN, {"input": given}))["signIn"]
        return answer

    async def person(self, role: str) -> Asker:
        """Somebody of acme with this role, or `rival`: the owner of the other workspace."""
        slug = "rival" if role == "rival" else "acme"
        token = (await self.sign_in(slug, self.house.people[role].email))["token"]
        assert isinstance(token, str)
        return self.nobody.as_user(token)


@pytest.fixture
async def tenancy(house: House) -> AsyncIterator[Tenancy]:
    async with open_subgraphs(house.settings, ["tenancy"]) as opened:
        yield Tenancy(house, Asker(opened["tenancy"], house.gateway))
