"""Retries, the circuit and the queue, in front of a subgraph that fails on purpose."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from typing import Any

import pytest
from aiohttp import web

from gateway.client.circuit_breaker import State
from gateway.client.errors import CircuitOpen, QueueFull, TimedOut
from gateway.client.protocol import SubgraphRequest
from gateway.client.upload import Upload
from gateway.traffic_settings import BreakerSettings, GuardSettings, RetrySettings
from tests.gateway.client.upstream import GOOD, Answering, Upstream, asked, good, guarded, until

QUICK = RetrySettings(base_s=0.01, most_s=0.02)
NO_RETRIES = RetrySettings(most=0)


def failing(times: int, status: int = 503, **headers: str) -> Answering:
    async def answer(number: int, request: web.Request) -> web.Response:
        if number > times:
            return good()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, headers=named)

    return answer


def broken(times: int) -> Answering:
    async def answer(number: int, request: web.Request) -> web.Response:
        if number <= times:
            assert request.transport is not None
            request.transport.abort()
        return good()

    return answer


@pytest.mark.parametrize("answering", [failing(2), failing(2, 502), failing(2, 504), failing(2, 429), broken(2)])
async def test_a_query_is_sent_again(answering: Answering) -> None:
    upstream = Upstream(answering)
    async with guarded(upstream, GuardSettings(retries=QUICK)) as client:
        assert (await client.send(asked())).body == GOOD
    assert len(upstream.heard) == 3


@pytest.mark.parametrize("kind", ["mutation", "subscription"])
@pytest.mark.parametrize("answering", [failing(1), broken(1)])
async def test_nothing_else_is(answering: Answering, kind: Any) -> None:
    upstream = Upstream(answering)
    async with guarded(upstream, GuardSettings(retries=QUICK)) as client:
        await asyncio.gather(client.send(asked(kind=kind)), return_exceptions=True)
    assert len(upstream.heard) == 1


@pytest.mark.parametrize(("status", "tries"), [(500, 1), (400, 1), (401, 1), (503, 3)])
async def test_the_last_answer_is_the_answer(status: int, tries: int) -> None:
    upstream = Upstream(failing(9, status))
    async with guarded(upstream, GuardSettings(retries=QUICK)) as client:
        assert (await client.send(asked())).status == status
    assert len(upstream.heard) == tries


async def test_retry_after_is_kept_in_seconds_and_as_a_date() -> None:
    for in_s, is_date in ((1, False), (2, True)):
        # A date says whole seconds: up to one of them is gone.
        least_s = in_s - is_date
        text = format_datetime(datetime.now(UTC) + timedelta(seconds=in_s), usegmt=True) if is_date else str(in_s)
        upstream = Upstream(failing(1, Retry_After=text))
        async with guarded(upstream, GuardSettings(retries=QUICK)) as client:
            begun = time.monotonic()
            assert (await client.send(asked())).body == GOOD
            assert time.monotonic() - begun >= least_s - 0.05


async def test_a_retry_after_that_is_too_long_means_no_second_try() -> None:
    upstream = Upstream(failing(1, Retry_After="60"))
    async with guarded(upstream, GuardSettings(retries=QUICK)) as client:
        assert (await client.send(asked())).status == 503
    assert len(upstream.heard) == 1


async def test_no_second_try_after_the_operation_s_time() -> None:
    upstream = Upstream(failing(1, Retry_After="1"))
    async with guarded(upstream, GuardSettings(retries=QUICK)) as client:
        with client.guard.operations.running(until(time.monotonic() + 0.5)):
            assert (await client.send(asked())).status == 503
    assert len(upstream.heard) == 1


async def test_an_outage_is_not_amplified() -> None:
    upstream = Upstream(failing(10_000))
    retries = RetrySettings(most=3, base_s=0.0, budget=0.1, reserve=5)
    settings = GuardSettings(retries=retries, breaker=BreakerSettings(enabled=False))
    async with guarded(upstream, settings) as client:
        for number in range(200):
            await client.send(asked(f"{number}".encode()))
    assert 200 + 200 * 0.1 <= len(upstream.heard) <= 200 + 200 * 0.1 + 5


async def test_a_subgraph_that_fails_is_left_alone_and_tried_again() -> None:
    status = [500]

    async def answer(number: int, request: web.Request) -> web.Response:
        return good() if status[0] == 200 else web.Response(status=status[0])

    upstream = Upstream(answer)
    breaker = BreakerSettings(min_requests=10, open_s=0.3, probes=2)
    async with guarded(upstream, GuardSettings(breaker=breaker, retries=NO_RETRIES)) as client:
        for _ in range(10):
            await client.send(asked())
        begun = time.monotonic()
        for _ in range(50):
            with pytest.raises(CircuitOpen) as refused:
                await client.send(asked())
        assert (len(upstream.heard), time.monotonic() - begun < 0.2) == (10, True)
        assert refused.value.code == "SUBGRAPH_UNAVAILABLE"
        with pytest.raises(CircuitOpen):
            await anext(aiter(client.stream(SubgraphRequest("subscription {x}", {}, kind="subscription"))))
        await asyncio.sleep(0.35)
        await client.send(asked())
        assert (len(upstream.heard), client.guard.breaker.state) == (11, State.OPEN)
        await asyncio.sleep(0.35)
        status[0] = 200
        for _ in range(3):
            assert (await client.send(asked())).body == GOOD
        assert client.guard.breaker.state is State.CLOSED


@pytest.mark.parametrize("deadline_s", [None, 0.15])
async def test_timeouts_open_the_circuit_whoever_s_time_it_was(deadline_s: float | None) -> None:
    upstream = Upstream()
    settings = GuardSettings(breaker=BreakerSettings(min_requests=5), retries=NO_RETRIES)
    async with guarded(upstream, settings, timeout_s=0.2) as client:
        for _ in range(5):
            with client.guard.operations.running(until(time.monotonic() + (deadline_s or 9))), pytest.raises(TimedOut):
                await client.send(asked())
        await asyncio.sleep(0.05)
        with pytest.raises(CircuitOpen):
            await client.send(asked())


async def test_clients_in_a_hurry_do_not_open_the_circuit() -> None:
    upstream = Upstream()
    settings = GuardSettings(breaker=BreakerSettings(min_requests=5), retries=NO_RETRIES)
    async with guarded(upstream, settings, timeout_s=60.0) as client:
        for _ in range(6):
            with client.guard.operations.running(until(time.monotonic() + 0.02)), pytest.raises(TimedOut):
                await client.send(asked())
        await asyncio.sleep(0.05)
        assert client.guard.breaker.state is State.CLOSED


async def test_the_circuit_does_not_open_where_it_is_switched_off() -> None:
    upstream = Upstream(failing(1000, 500))
    async with guarded(upstream, GuardSettings(breaker=BreakerSettings(enabled=False))) as client:
        for _ in range(60):
            assert (await client.send(asked())).status == 500


async def test_so_many_at_a_time_so_many_wait_and_the_rest_is_refused_at_once() -> None:
    upstream = Upstream()
    async with guarded(upstream, GuardSettings(max_in_flight=3, max_waiting=4)) as client:
        waiting = [client.send(asked(f"{number}".encode())) for number in range(7)]
        with pytest.raises(QueueFull):
            await client.send(asked(b"8"))
        await upstream.has_heard(3)
        await asyncio.sleep(0.05)
        assert len(upstream.heard) == 3
        waiting[3].cancel()
        upstream.let.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each).__name__ for each in answers].count("WireAnswer") == 6
        assert (len(upstream.heard), client.guard.places.taken, client.guard.places.waiting) == (6, 0, 0)


async def test_who_waits_for_a_place_waits_no_longer_than_their_time() -> None:
    upstream = Upstream()
    async with guarded(upstream, GuardSettings(max_in_flight=1), timeout_s=1.0) as client:
        begun = time.monotonic()
        results = await asyncio.gather(client.send(asked(b"1")), client.send(asked(b"2")), return_exceptions=True)
        assert [type(each) for each in results] == [TimedOut, TimedOut]
        assert time.monotonic() - begun < 1.9


async def test_files_take_a_place_and_count_for_the_circuit_and_are_never_sent_again() -> None:
    upstream = Upstream(failing(1000))
    settings = GuardSettings(breaker=BreakerSettings(min_requests=3), retries=QUICK)
    async with guarded(upstream, settings) as client:
        failures = []
        for _ in range(4):
            file = Upload(BytesIO(b"x"), "x", "text/plain")
            asking = SubgraphRequest("mutation($f: Upload) {x(f: $f)}", {"f": file}, kind="mutation")
            failures.append(await asyncio.gather(client.request(asking), return_exceptions=True))
        assert [type(each).__name__ for (each,) in failures] == ["RefusedByStatus"] * 3 + ["CircuitOpen"]
        assert (len(upstream.heard), client.guard.places.taken) == (3, 0)
