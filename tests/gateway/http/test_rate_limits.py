"""Rates at the edge, as clients meet them: on HTTP, in batches, on sockets and streams, by caller and by document."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.settings import HttpSettings, Limits, Settings
from gateway.traffic_settings import DocumentRate, Rate, RateLimitSettings
from infra.local.platform import any_free_port
from tests.gateway.http.keys import ANSWERED, ASKED, bearer, gateway

TWO = Rate(2, 600.0)


async def statuses(session: aiohttp.ClientSession, times: int, body: Any = ASKED, **headers: str) -> list[int]:
    return [(await session.post("/graphql", json=body, headers=headers)).status for _ in range(times)]


async def test_who_is_known_is_counted_by_name_and_others_by_address(tmp_path: Path) -> None:
    limits = RateLimitSettings(caller=Rate(3, 600.0), anonymous=TWO)
    http = HttpSettings(trusted_proxies=("127.0.0.1",))
    async with gateway(tmp_path, Settings(rate_limits=limits, http=http)) as session:
        assert await statuses(session, 4, **bearer()) == [200, 200, 200, 429]
        assert await statuses(session, 1, **bearer(jti="another token of the same caller")) == [429]
        assert await statuses(session, 1, **bearer(tenant="another")) == [200]
        for address in ("203.0.113.1", "203.0.113.2"):
            assert await statuses(session, 3, **{"X-Forwarded-For": address}) == [200, 200, 429]


async def test_an_address_that_nobody_vouches_for_does_not_help(tmp_path: Path) -> None:
    async with gateway(tmp_path, Settings(rate_limits=RateLimitSettings(anonymous=TWO))) as session:
        told = [(await statuses(session, 1, **{"X-Forwarded-For": f"203.0.113.{each}"}))[0] for each in range(4)]
        assert told == [200, 200, 429, 429]


async def test_every_answer_says_how_the_caller_stands(tmp_path: Path) -> None:
    async with gateway(tmp_path, Settings(rate_limits=RateLimitSettings(caller=TWO))) as session:
        answers = [await session.post("/graphql", json=ASKED, headers=bearer()) for _ in range(3)]
        assert [each.headers["RateLimit-Policy"] for each in answers] == ['"caller";q=2;w=600'] * 3
        assert [each.headers["RateLimit"] for each in answers] == [
            '"caller";r=1;t=300',
            '"caller";r=0;t=600',
            '"caller";r=0;t=600',
        ]
        plain = [[each.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")] for each in answers]
        assert plain == [["2", "1", "300"], ["2", "0", "600"], ["2", "0", "600"]]
        assert ["Retry-After" in each.headers for each in answers] == [False, False, True]
        refused = await answers[2].json()
        assert (answers[2].status, answers[2].headers["Retry-After"]) == (429, "300")
        assert refused["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert refused["errors"][0]["message"] == (
            "At most 2 operations from you are taken in 600 s; try again in 300 s."
        )


async def test_tokens_that_do_not_hold_are_counted_as_their_address(tmp_path: Path) -> None:
    async with gateway(tmp_path, Settings(rate_limits=RateLimitSettings(anonymous=TWO))) as session:
        assert await statuses(session, 3, Authorization="Bearer nonsense") == [401, 401, 429]
        assert await statuses(session, 1, **bearer()) == [200]


async def test_the_body_of_a_refused_request_is_not_read(tmp_path: Path) -> None:
    async with gateway(tmp_path, Settings(rate_limits=RateLimitSettings(anonymous=Rate(1, 600.0)))) as session:
        assert await statuses(session, 2, "no request at all") == [400, 429]


async def test_a_batch_counts_as_what_it_holds(tmp_path: Path) -> None:
    settings = Settings(rate_limits=RateLimitSettings(anonymous=Rate(5, 600.0)), limits=Limits(max_batch=10))
    async with gateway(tmp_path, settings) as session:
        assert await statuses(session, 1, [ASKED] * 6) == [429]
        assert await statuses(session, 1, [ASKED] * 4) == [200]
        assert await statuses(session, 1, ASKED) == [429]


@pytest.mark.parametrize(
    ("asked", "is_counted"),
    [
        (ASKED, True),
        ({**ASKED, "operationName": "Me"}, True),
        ({"query": "fragment F on User { name } query Me { me { ...F } }"}, True),
        ({"query": "query Me { me { name } } query Other { me { name } }", "operationName": "Other"}, False),
        ({"query": "{ me { name } }"}, True),
        ({"query": "{ me { name }  }"}, False),
    ],
)
async def test_a_document_is_counted_by_its_operation_s_name_or_its_hash(
    tmp_path: Path, asked: Any, is_counted: bool
) -> None:
    rate = DocumentRate(1, 600.0)
    documents = {"Me": rate, hashlib.sha256(b"{ me { name } }").hexdigest(): rate}
    async with gateway(tmp_path, Settings(rate_limits=RateLimitSettings(documents=documents))) as session:
        assert await statuses(session, 2, asked) == [200, 429 if is_counted else 200]
        assert await statuses(session, 1, asked, **bearer()) == [200]


async def test_a_document_may_have_one_rate_for_everyone(tmp_path: Path) -> None:
    documents = {"Me": DocumentRate(1, 600.0, of="everyone")}
    async with gateway(tmp_path, Settings(rate_limits=RateLimitSettings(documents=documents))) as session:
        assert await statuses(session, 1) == [200]
        assert await statuses(session, 1, **bearer()) == [429]


async def test_a_socket_counts_each_operation(tmp_path: Path) -> None:
    async with (
        gateway(tmp_path, Settings(rate_limits=RateLimitSettings(anonymous=TWO))) as session,
        session.ws_connect("/graphql", protocols=["graphql-transport-ws"]) as socket,
    ):
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json())["type"] == "connection_ack"
        told = []
        for number in range(3):
            await socket.send_json({"id": str(number), "type": "subscribe", "payload": ASKED})
            message = await socket.receive_json()
            told.append(message["payload"])
            if message["type"] == "next":
                assert (await socket.receive_json())["type"] == "complete"
        assert told[:2] == [ANSWERED] * 2
        assert told[2][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_streams_count_each_operation(tmp_path: Path) -> None:
    events = {"Accept": "text/event-stream"}
    async with gateway(tmp_path, Settings(rate_limits=RateLimitSettings(anonymous=TWO))) as session:
        assert await statuses(session, 1, **events) == [200]
        reserved = await (await session.put("/graphql")).text()
        async with session.get("/graphql", params={"token": reserved}, headers=events):
            shared = {**ASKED, "extensions": {"operationId": "1"}}
            stream = {"X-GraphQL-Event-Stream-Token": reserved}
            assert await statuses(session, 2, shared, **stream) == [202, 429]


async def test_two_gateways_with_one_redis_count_together(tmp_path: Path, redis_url: str) -> None:
    settings = Settings(rate_limits=RateLimitSettings(caller=Rate(5, 600.0), redis_url=redis_url, wait_s=5.0))
    async with gateway(tmp_path, settings) as one, gateway(tmp_path, settings) as other:
        told = [(await statuses(each, 1, **bearer()))[0] for each in (one, other) * 4]
        assert told == [200] * 5 + [429] * 3


@pytest.mark.parametrize(("when_down", "told"), [("allow", [200, 200, 429]), ("refuse", [503, 503, 503])])
async def test_without_redis_each_counts_alone_or_refuses(tmp_path: Path, when_down: Any, told: list[int]) -> None:
    url = f"redis://127.0.0.1:{any_free_port()}"
    limits = RateLimitSettings(caller=TWO, redis_url=url, when_down=when_down)
    async with gateway(tmp_path, Settings(rate_limits=limits)) as session:
        begun = time.monotonic()
        assert await statuses(session, 3, **bearer()) == told
        assert time.monotonic() - begun < 1.0
        answer = await session.post("/graphql", json=ASKED, headers=bearer())
        assert int(answer.headers["Retry-After"]) >= 1


def test_a_rate_that_lets_nobody_through_is_refused() -> None:
    for rate in ((0, 1.0, None), (1, 0.0, None), (1, 1.0, 0)):
        with pytest.raises(ValueError, match="a rate needs"):
            Rate(*rate)
