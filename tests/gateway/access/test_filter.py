"""Mode `filter`: what the caller may not see stands as null, with one error for each place, and is never fetched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import AccessSettings, Limits
from tests.gateway.access.guarded import caller, denied, guarded, supergraph

ONE_USER = '{ user(id: "1") { name email } }'


@pytest.mark.parametrize(
    ("query", "data", "paths"),
    [
        pytest.param("{ me { name } }", {"me": None}, ["me"], id="a root field"),
        pytest.param(ONE_USER, {"user": {"name": "Ada", "email": None}}, ["user.email"], id="a field"),
        pytest.param('{ user(id: "1") { mail: email } }', {"user": {"mail": None}}, ["user.mail"], id="an alias"),
        pytest.param('{ user(id: "1") { role } }', {"user": {"role": None}}, ["user.role"], id="an enum"),
        pytest.param("{ secret { title } }", {"secret": None}, ["secret"], id="a field of a denied type"),
        pytest.param(
            "{ users { name email } }",
            {"users": [{"name": "Ada", "email": None}, {"name": "Ben", "email": None}]},
            ["users.@.email"],
            id="one error for a whole list",
        ),
        pytest.param(
            '{ user(id: "1") { name badge { number } } }', {"user": None}, ["user.badge"], id="null goes up to the user"
        ),
        pytest.param("{ users { id badge { number } } }", None, ["users.@.badge"], id="null goes up to the root"),
        pytest.param("{ nobody { id badge { number } } }", {"nobody": []}, ["nobody.@.badge"], id="no item, no null"),
        pytest.param("{ log { lines } }", None, ["log"], id="a root field that may not be null"),
        pytest.param(
            "{ found { ... on User { name } ... on Secret { title } } }",
            {"found": [{"name": "Ada"}, {"title": None}]},
            ["found.@.title"],
            id="a member of a union",
        ),
        pytest.param(
            "{ animals { __typename name ... on Dog { trick } } }",
            {"animals": [{"__typename": "Dog", "name": "Rex", "trick": None}, {"__typename": "Cat", "name": "Tom"}]},
            ["animals.@.trick"],
            id="a fragment on an implementation",
        ),
        pytest.param(
            "{ animals { name ... on Dog { trick } } }",
            {"animals": [{"name": "Rex", "trick": None}, {"name": "Tom"}]},
            ["animals.@.trick"],
            id="which type it is has to be asked for",
        ),
        pytest.param(
            '{ user(id: "1") { ...A } } fragment A on User { ...B name } fragment B on User { friend { email name } }',
            {"user": {"friend": {"email": None, "name": "Ben"}, "name": "Ada"}},
            ["user.friend.email"],
            id="through fragments",
        ),
        pytest.param(
            '{ a: user(id: "1") { email } b: user(id: "2") { email } }',
            {"a": {"email": None}, "b": {"email": None}},
            ["a.email", "b.email"],
            id="every path",
        ),
        pytest.param(
            '{ __typename me { name } user(id: "1") { __typename email } }',
            {"__typename": "Query", "me": None, "user": {"__typename": "User", "email": None}},
            ["me", "user.email"],
            id="__typename is free",
        ),
        pytest.param(
            '{ user(id: "1") { name reviews { stars note } } }',
            {"user": {"name": "Ada", "reviews": [{"stars": 5, "note": None}]}},
            ["user.reviews.@.note"],
            id="in another subgraph",
        ),
    ],
)
async def test_nobody_in_particular(query: str, data: Any, paths: list[str], tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph:
        # More than once, for a plan that is used again may be made into a program.
        for _ in range(3):
            assert await graph.ask(query) == {"errors": denied(*paths), "data": data}
        words = re.findall(r"\w+", " ".join(graph.asked))
        assert not {"email" if (name := path.split(".")[-1]) == "mail" else name for path in paths} & set(words)


async def test_nothing_is_fetched_where_nothing_may_be_seen(tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph:
        await graph.ask("{ me { name } secret { title } }")
        await graph.ask("{ log { lines } }")
        assert graph.asked == []


async def test_of_what_is_lost_anyway_nothing_more_is_fetched(tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph:
        answer = await graph.ask('{ user(id: "1") { name reviews { hidden stars } score badge { number } } }')
        assert answer == {"errors": denied("user.reviews.@.hidden", "user.score", "user.badge"), "data": {"user": None}}
        assert graph.asked == ['{ user(id: "1") { __typename } }']


@pytest.mark.parametrize(
    ("scope", "may"), [("email", True), ("other email", True), (["x", "email"], True), ("emails", False), ("", False)]
)
async def test_scopes_come_from_the_token(scope: Any, may: bool, tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph:
        answer = await graph.ask(ONE_USER, caller(scopes=scope) if isinstance(scope, list) else caller(scope))
        assert answer["data"]["user"]["email"] == ("a@x" if may else None)


async def test_a_setting_names_the_claim_of_scopes(tmp_path: Path) -> None:
    async with guarded(tmp_path, access=AccessSettings(scope_claims=("scp",))) as graph:
        assert (await graph.ask(ONE_USER, caller(scp="email")))["data"]["user"]["email"] == "a@x"
        assert (await graph.ask(ONE_USER, caller("email")))["data"]["user"]["email"] is None


@pytest.mark.parametrize(
    ("scope", "may"), [("audit read", True), ("admin", True), ("audit", False), ("read", False), ("", False)]
)
async def test_of_one_group_all_are_needed_and_one_group_is_enough(scope: str, may: bool, tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph:
        answer = await graph.ask("{ log { lines } }", caller(scope))
        assert answer == ({"data": {"log": {"lines": ["one"]}}} if may else {"errors": denied("log"), "data": None})


async def test_conditions_decide_what_is_asked_for(tmp_path: Path) -> None:
    query = 'query ($no: Boolean!) { user(id: "1") { name email @skip(if: $no) badge @include(if: $no) { number } } }'
    async with guarded(tmp_path) as graph:
        assert await graph.ask(query, variables={"no": False}) == {
            "errors": denied("user.email"),
            "data": {"user": {"name": "Ada", "email": None}},
        }
        answer = await graph.ask(query, variables={"no": True})
        assert answer == {"errors": denied("user.badge"), "data": {"user": None}}


async def test_what_only_the_plan_needs_is_not_the_callers_question(tmp_path: Path) -> None:
    # Composition would have the requiring field demand as much; another composition may not.
    needing = 'score: String @join__field(graph: REVIEWS, requires: "email")'
    text = supergraph()
    start = text.index(needing)
    end = text.index("\n", start)
    opened = text[:start] + needing + text[end:]
    async with guarded(tmp_path, text=opened) as graph:
        answer = await graph.ask('{ user(id: "1") { email score } }')
        assert answer == {"errors": denied("user.email"), "data": {"user": {"email": None, "score": "of a@x"}}}


async def test_the_schema_may_be_asked_for_whoever_asks(tmp_path: Path) -> None:
    async with guarded(tmp_path, introspection=True) as graph:
        answer = await graph.ask('{ __type(name: "Secret") { name } me { id } }')
        assert answer == {"errors": denied("me"), "data": {"__type": {"name": "Secret"}, "me": None}}


async def test_who_meets_the_same_has_the_same_plan(tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph:
        for each in (None, caller("email", "ada"), caller("other email", "ben"), caller("x"), caller("y"), None):
            await graph.ask(ONE_USER, each)
        # Two: for who has the scope and for who has it not.
        assert len(graph.app.state.gateway.pipeline.newest.recent(100)) == 2


async def test_plans_are_bounded_whoever_asks(tmp_path: Path) -> None:
    query = '{ me { id } log { lines } secret { title } user(id: "1") { email badge { number } } }'
    async with guarded(tmp_path, plan_cache_size=3) as graph:
        for scope in ("", "email", "admin", "secret", "email admin", "email secret", "admin secret"):
            await graph.ask(query, caller(scope))
        assert len(graph.app.state.gateway.pipeline.newest.recent(100)) == 3


async def test_a_mutation_that_is_denied_does_not_run(tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph:
        answer = await graph.ask('mutation { promote(id: "1") { name } greet(id: "2") { name } }', caller())
        assert answer == {"errors": denied("promote"), "data": {"promote": None, "greet": {"name": "Ben"}}}
        assert "promote" not in "".join(graph.asked)


async def test_a_batch_is_looked_at_one_by_one(tmp_path: Path) -> None:
    async with guarded(tmp_path, limits=Limits(max_batch=5)) as graph:
        body = [{"query": ONE_USER}, {"query": '{ user(id: "2") { name } }'}]
        async with graph.session.post("/graphql", json=body) as response:
            assert await response.json() == [
                {"errors": denied("user.email"), "data": {"user": {"name": "Ada", "email": None}}},
                {"data": {"user": {"name": "Ben"}}},
            ]
