"""@policy: a claim says which hold, or an evaluator of one's own."""

from __future__ import annotations

from pathlib import Path

from gateway.caller_access import CallerAccess
from gateway.http.identity import Identity
from gateway.settings import AccessSettings
from tests.gateway.access.guarded import caller, denied, guarded

PROMOTE = 'mutation { promote(id: "1") { name } }'
DONE = {"data": {"promote": {"name": "Ada"}}}
REFUSED = {"errors": denied("promote"), "data": {"promote": None}}


async def test_a_claim_lists_those_that_hold(tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph:
        assert await graph.ask(PROMOTE, caller(policies=["staff", "here"])) == DONE
        assert await graph.ask(PROMOTE, caller(policies=["staff"])) == REFUSED
        assert await graph.ask(PROMOTE, caller("staff here")) == REFUSED
        assert await graph.ask(PROMOTE) == REFUSED
    async with guarded(tmp_path, access=AccessSettings(policy_claim="held")) as graph:
        assert await graph.ask(PROMOTE, caller(held="staff here")) == DONE


async def test_an_evaluator_is_asked_for_those_of_the_operation(tmp_path: Path) -> None:
    asked: list[tuple[frozenset[str], str | None]] = []

    async def evaluate(policies: frozenset[str], identity: Identity | None) -> set[str]:
        asked.append((policies, identity and identity.subject))
        return {"staff", "here", "more than was asked"} if identity and identity.subject == "ada" else {"staff"}

    async with guarded(tmp_path, evaluate) as graph:
        assert await graph.ask(PROMOTE, caller()) == DONE
        assert await graph.ask(PROMOTE, caller(subject="ben")) == REFUSED
        assert await graph.ask(PROMOTE) == REFUSED
        await graph.ask('{ user(id: "1") { email } }', caller())
        assert asked == [(frozenset({"staff", "here"}), name) for name in ("ada", "ben", None)]


async def test_an_evaluator_that_fails_grants_nothing(tmp_path: Path) -> None:
    async def evaluate(policies: frozenset[str], identity: Identity | None) -> set[str]:
        raise OSError("the policy engine is away")

    async with guarded(tmp_path, evaluate) as graph:
        assert await graph.ask(PROMOTE, caller(policies=["staff", "here"])) == REFUSED


async def test_an_evaluator_grants_no_more_than_it_was_asked() -> None:
    async def evaluate(policies: frozenset[str], identity: Identity | None) -> set[str]:
        return {"staff", "owner of everything"}

    access = await CallerAccess(AccessSettings(), evaluate).of(None, frozenset({"staff"}))
    assert access.policies == {"staff"}
