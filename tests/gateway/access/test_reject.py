"""Mode `reject`: an operation that asks for anything its caller may not see is refused, with every place."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.access.guarded import REJECTS, caller, denied, guarded

QUERY = '{ me { name } user(id: "1") { name email badge { number } } }'


async def test_every_place_is_named_and_nothing_is_asked(tmp_path: Path) -> None:
    async with guarded(tmp_path, access=REJECTS) as graph:
        assert await graph.ask(QUERY) == {"errors": denied("me", "user.email", "user.badge")}
        assert await graph.ask(QUERY, caller()) == {"errors": denied("user.email")}
        assert graph.asked == []
        answer = await graph.ask(QUERY, caller("email"))
        assert answer["data"]["user"] == {"name": "Ada", "email": "a@x", "badge": {"number": 7}}


async def test_the_status_says_that_it_is_forbidden(tmp_path: Path) -> None:
    headers = {"Accept": "application/graphql-response+json"}
    async with (
        guarded(tmp_path, access=REJECTS) as graph,
        graph.session.post("/graphql", json={"query": QUERY}, headers=headers) as response,
    ):
        assert (response.status, await response.json(content_type=None)) == (
            403,
            {"errors": denied("me", "user.email", "user.badge")},
        )


async def test_what_conditions_leave_out_is_not_asked_for(tmp_path: Path) -> None:
    query = 'query ($all: Boolean!) { user(id: "1") { name email @include(if: $all) } }'
    async with guarded(tmp_path, access=REJECTS) as graph:
        assert await graph.ask(query, variables={"all": False}) == {"data": {"user": {"name": "Ada"}}}
        assert await graph.ask(query, variables={"all": True}) == {"errors": denied("user.email")}
