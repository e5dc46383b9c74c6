"""What may be seen, over time and in pieces: subscriptions by every face, renewed tokens, @defer and @stream."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.access.guarded import REJECTS, caller, denied, guarded, supergraph
from tests.gateway.http.test_deferred import NEWER, OLDER, parts_of
from tests.gateway.http.test_streams import read_events
from tests.gateway.http.test_websocket import ask, connected, heard, say

JOINED = "subscription { joined { name email } }"
EVENTS = [
    {"errors": denied("joined.email"), "data": {"joined": {"name": name, "email": None}}} for name in ("Ada", "Ben")
]
SEEN = [{"data": {"joined": {"name": "Ada", "email": "a@x"}}}, {"data": {"joined": {"name": "Ben", "email": "b@x"}}}]


async def opened(socket: Any, token: dict[str, str] | None) -> None:
    await say(socket, {"type": "connection_init", "payload": token or {}})
    assert (await heard(socket))["type"] == "connection_ack"


@pytest.mark.parametrize(("scope", "events"), [("email", SEEN), ("other", EVENTS)])
async def test_every_event_of_a_websocket_is_filtered(scope: str, events: Any, tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph, connected(graph.url) as socket:
        await opened(socket, caller(scope))
        await ask(socket, JOINED)
        assert [(await heard(socket))["payload"] for _ in events] == events


@pytest.mark.parametrize(("scope", "events"), [("email", SEEN), ("other", EVENTS)])
async def test_every_server_sent_event_is_filtered(scope: str, events: Any, tmp_path: Path) -> None:
    headers = {"Accept": "text/event-stream", **caller(scope)}
    async with (
        guarded(tmp_path) as graph,
        graph.session.post("/graphql", json={"query": JOINED}, headers=headers) as response,
    ):
        assert [data for name, data in await read_events(response) if name == "next"] == events


async def test_a_subscription_of_which_nothing_may_be_seen_is_refused(tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph, connected(graph.url) as socket:
        await opened(socket, None)
        await ask(socket, "subscription { secrets { title } }")
        assert await heard(socket) == {"id": "1", "type": "error", "payload": denied("secrets")}
        assert graph.asked == []


async def test_a_rejected_subscription_never_opens(tmp_path: Path) -> None:
    async with guarded(tmp_path, access=REJECTS) as graph, connected(graph.url) as socket:
        await opened(socket, None)
        await ask(socket, JOINED)
        assert await heard(socket) == {"id": "1", "type": "error", "payload": denied("joined.email")}
        assert graph.asked == []


class Slow:
    """A stream that goes on until it is closed."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def subscribe(self, *given: Any) -> Any:
        async for event in self._inner.subscribe(*given):
            yield event
        await asyncio.sleep(30)


async def test_a_newer_token_that_permits_less_ends_what_it_does_not_permit(tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph, connected(graph.url) as socket:
        graph.subgraphs["people"] = Slow(graph.subgraphs["people"])  # type: ignore[assignment]
        await opened(socket, caller("email"))
        await ask(socket, JOINED, "with")
        await ask(socket, "subscription { joined { name } }", "without")
        seen = [await heard(socket) for _ in range(4)]
        assert {each["id"] for each in seen} == {"with", "without"}
        await say(socket, {"type": "ping", "payload": caller("other")})
        told = [await heard(socket) for _ in range(2)]
        assert {each["type"]: each.get("id") for each in told} == {"error": "with", "pong": None}
        error = next(each for each in told if each["type"] == "error")["payload"][0]
        assert error["extensions"] == {"code": "UNAUTHORIZED_FIELD_OR_TYPE"}
        counters = graph.app.state.gateway.pipeline.streams.counters
        async with asyncio.timeout(5):
            while counters.upstreams != 1:
                await asyncio.sleep(0.01)
        # The other one goes on, and a new one is filtered.
        await ask(socket, JOINED, "again")
        assert (await heard(socket))["payload"] == EVENTS[0]


async def test_a_newer_token_that_permits_as_much_changes_nothing(tmp_path: Path) -> None:
    async with guarded(tmp_path) as graph, connected(graph.url) as socket:
        graph.subgraphs["people"] = Slow(graph.subgraphs["people"])  # type: ignore[assignment]
        await opened(socket, caller("email"))
        await ask(socket, JOINED)
        assert [(await heard(socket))["payload"] for _ in SEEN] == SEEN
        await say(socket, {"type": "ping", "payload": caller("email more")})
        assert (await heard(socket))["type"] == "pong"
        await ask(socket, "{ __typename }", "2")
        assert (await heard(socket))["id"] == "2"


async def test_a_deferred_fragment_brings_the_errors_of_its_own_places(tmp_path: Path) -> None:
    query = '{ user(id: "1") { name ... @defer { email friend { name email } } } }'
    rest = {"email": None, "friend": {"name": "Ben", "email": None}}
    for headers in (NEWER, OLDER):
        async with (
            guarded(tmp_path) as graph,
            graph.session.post("/graphql", json={"query": query}, headers=headers) as response,
        ):
            first, later = await parts_of(response)
            assert (first["data"], "errors" in first) == ({"user": {"name": "Ada"}}, False)
            assert later["incremental"][0]["data"] == rest
            assert later["incremental"][0]["errors"] == denied("user.email", "user.friend.email")
            assert "email" not in "".join(graph.asked)


async def test_a_deferred_fragment_that_is_lost_says_why(tmp_path: Path) -> None:
    query = '{ user(id: "1") { name email ... @defer { id badge { number } } } }'
    async with (
        guarded(tmp_path) as graph,
        graph.session.post("/graphql", json={"query": query}, headers=NEWER) as response,
    ):
        first, later = await parts_of(response)
        assert (first["data"], first["errors"]) == ({"user": {"name": "Ada", "email": None}}, denied("user.email"))
        assert later["completed"][0]["errors"] == denied("user.badge")


async def test_a_streamed_list_tells_of_each_place_once(tmp_path: Path) -> None:
    query = "{ users @stream(initialCount: 1) { name email } }"
    async with (
        guarded(tmp_path) as graph,
        graph.session.post("/graphql", json={"query": query}, headers=NEWER) as response,
    ):
        first, later = await parts_of(response)
        assert first["data"] == {"users": [{"name": "Ada", "email": None}]}
        assert first["errors"] == denied("users.@.email")
        assert later["incremental"] == [{"id": "0", "items": [{"name": "Ben", "email": None}]}]


async def test_callers_who_share_a_tenants_stream_see_by_their_own_rights(tmp_path: Path) -> None:
    """The stream's name is the tenant's; what each sees of it is not."""
    text = supergraph().replace("joined: User", "joined: User @delivery(mode: ORDERED, share: TENANT)", 1)
    text = text.replace(
        '@link(url: "https://specs.apollo.dev/link/v1.0")',
        '@link(url: "https://specs.apollo.dev/link/v1.0")'
        ' @link(url: "https://specs.d2r.dev/delivery/v0.1", import: ["@delivery"])',
    )
    async with guarded(tmp_path, text=text) as graph, connected(graph.url) as one, connected(graph.url) as other:
        graph.subgraphs["people"] = Slow(graph.subgraphs["people"])  # type: ignore[assignment]
        await opened(one, caller("email"))
        await opened(other, caller("", subject="ben"))
        await ask(one, JOINED)
        assert (await heard(one))["payload"] == SEEN[0]
        await ask(other, JOINED)
        assert (await heard(other))["payload"] == EVENTS[0]


async def test_a_subscription_ends_when_a_new_supergraph_demands_something_else_of_it(tmp_path: Path) -> None:
    """It would be the same for this caller; but whoever shares its stream may not hold what is demanded now."""
    async with guarded(tmp_path) as graph, connected(graph.url) as socket:
        graph.subgraphs["people"] = Slow(graph.subgraphs["people"])  # type: ignore[assignment]
        await opened(socket, caller("email post"))
        await ask(socket, JOINED)
        assert [(await heard(socket))["payload"] for _ in SEEN] == SEEN
        demand = '@requiresScopes(scopes: [["email"]])'
        assert demand in supergraph()
        await graph.app.state.gateway.reload(supergraph().replace(demand, '@requiresScopes(scopes: [["post"]])'))
        message = await heard(socket)
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "SCHEMA_CHANGED")


async def test_later_items_that_are_all_lost_say_why(tmp_path: Path) -> None:
    query = "{ users @stream(initialCount: 0) { badge { number } } }"
    async with (
        guarded(tmp_path) as graph,
        graph.session.post("/graphql", json={"query": query}, headers=NEWER) as response,
    ):
        first, later = await parts_of(response)
        assert (first["data"], first["errors"]) == ({"users": []}, denied("users.@.badge"))
        assert later["completed"] == [{"id": "0", "errors": denied("users")}]
