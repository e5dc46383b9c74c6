"""A key set over HTTP that is rotated, slow, broken or gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc.jwk import ECKey, Key, OKPKey

from gateway.http.key_sets import KeyAges, KeySource, KeysUnreadable, keys_from_url
from infra.local.platform import any_free_port
from tests.gateway.clock import Clock

ONE, TWO = (OKPKey.generate_key("Ed25519", {"kid": kid}) for kid in ("one", "two"))
AGES = KeyAges(refresh_s=20, stale_s=80, pause_s=5)


class Issuer:
    """Answers with `body` under `status`, once `let` is set. reads: requests; answered: those it has answered."""

    def __init__(self, *keys: Key) -> None:
        self.status, self.reads, self.answered = 200, 0, 0
        self.let = asyncio.Event()
        self.let.set()
        self.publish(*keys)

    def publish(self, *keys: Key, besides: Any = ()) -> None:
        self.body = json.dumps({"keys": [*(key.as_dict(private=False) for key in keys), *besides]}).encode()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.reads += 1
        await self.let.wait()
        response = web.StreamResponse(status=self.status)
        await response.prepare(request)
        try:
            # In two pieces, as larger sets come. Who does not like the status hangs up.
            for piece in (self.body[:50], self.body[50:]):
                await response.write(piece)
                await asyncio.sleep(0.005)
        finally:
            self.answered += 1
        return response

    async def has_answered(self, number: int) -> None:
        """And who asked has read it."""
        async with asyncio.timeout(20):
            while self.answered < number:
                await asyncio.sleep(0.002)
        # Turns of the loop rather than one long sleep: a machine that stands still skips none of them.
        for _ in range(30):
            await asyncio.sleep(0.002)


@asynccontextmanager
async def source_of(
    issuer: Issuer, ages: KeyAges = AGES, now: Callable[[], float] = time.monotonic
) -> AsyncIterator[KeySource]:
    app = web.Application()
    app.router.add_get("/keys", issuer.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = any_free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession() as session:
        source = keys_from_url(f"http://127.0.0.1:{port}/keys", session, ages, now)
        yield source
        await source.close()
    await runner.cleanup()


async def holds(source: KeySource, kid: str) -> bool:
    try:
        await source.key_named(kid)
    except KeysUnreadable:
        return False
    return True


async def test_a_new_key_is_accepted_at_once_and_an_old_one_dropped_when_the_set_gets_old() -> None:
    issuer, clock = Issuer(ONE), Clock()
    async with source_of(issuer, now=clock) as source:
        assert (await holds(source, "one"), await holds(source, "two")) == (True, False)
        issuer.publish(ONE, TWO)
        assert not await holds(source, "two"), "asked again too soon"
        clock.now += 6
        assert await holds(source, "two")
        issuer.publish(TWO)
        clock.now += 21
        # Who asks first sets the refresh off, and does not wait for it.
        assert await holds(source, "one")
        await issuer.has_answered(3)
        assert (await holds(source, "one"), await holds(source, "two")) == (False, True)


async def test_a_key_that_stays_is_the_same_object_after_a_refresh() -> None:
    issuer, clock = Issuer(ONE), Clock()
    async with source_of(issuer, now=clock) as source:
        before = await source.key_named("one")
        issuer.publish(TWO, ONE)
        clock.now += 6
        assert await holds(source, "two")
        assert await source.key_named("one") is before


@pytest.mark.parametrize("status", [500, 302])
async def test_in_an_outage_known_keys_hold_for_a_while_and_no_longer(status: int) -> None:
    issuer, clock = Issuer(ONE), Clock()
    async with source_of(issuer, now=clock) as source:
        assert await holds(source, "one")
        issuer.status = status
        for times in range(3):
            clock.now += 25
            assert await holds(source, "one")
            await issuer.has_answered(2 + times)
        clock.now += 10
        assert not await holds(source, "one")
        issuer.status = 200
        clock.now += 6
        assert await holds(source, "one")


async def test_a_slow_set_keeps_nobody_with_a_known_key_waiting() -> None:
    issuer, clock = Issuer(ONE), Clock()
    async with source_of(issuer, KeyAges(refresh_s=20, stale_s=80, pause_s=0), clock) as source:
        assert await holds(source, "one")
        issuer.let.clear()
        clock.now += 21
        waiting = [asyncio.create_task(holds(source, "two")) for _ in range(100)]
        begun = time.monotonic()
        for _ in range(1000):
            assert await holds(source, "one")
        assert time.monotonic() - begun < 0.5
        await asyncio.sleep(0.05)
        assert issuer.reads == 2
        issuer.publish(ONE, TWO)
        issuer.let.set()
        assert all(await asyncio.gather(*waiting))


async def test_who_asks_for_a_new_key_and_leaves_does_not_keep_it_from_others() -> None:
    issuer = Issuer(ONE)
    async with source_of(issuer, KeyAges(refresh_s=60, stale_s=600, pause_s=60)) as source:
        issuer.publish(ONE, TWO)
        issuer.let.clear()
        leaving = asyncio.create_task(holds(source, "made up"))
        await asyncio.sleep(0.05)
        leaving.cancel()
        issuer.let.set()
        assert await holds(source, "two")


async def test_made_up_ids_cost_one_reading_in_a_while() -> None:
    issuer, clock = Issuer(ONE), Clock()
    async with source_of(issuer, now=clock) as source:
        for _ in range(3):
            for _ in range(5):
                await asyncio.gather(*(holds(source, str(number)) for number in range(100)))
            clock.now += 6
        assert issuer.reads == 3


async def test_a_key_that_we_cannot_use_does_not_spoil_the_others() -> None:
    issuer = Issuer()
    strange = [
        {"kty": "AKP", "kid": "post-quantum", "alg": "ML-DSA-65", "pub": "x"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "no x"},
        {"kid": "no kty"},
        {"kty": "OKP", "crv": "Ed25519", "x": ONE.as_dict(private=False)["x"]},
        {**ECKey.generate_key("P-256").as_dict(private=False), "kid": "encrypts", "use": "enc"},
    ]
    issuer.publish(ONE, besides=strange)
    async with source_of(issuer) as source:
        known = [await holds(source, kid) for kid in ("one", "post-quantum", "no x", "no kty", "encrypts")]
    assert known == [True, False, False, False, False]


DEEP = b'{"keys": [{"kid": ' + b"[" * 100_000


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": [1]}', b"<html>", b" " * 2_000_000, DEEP]
)
async def test_what_is_no_set_changes_nothing(body: bytes) -> None:
    issuer, clock = Issuer(ONE), Clock()
    async with source_of(issuer, now=clock) as source:
        assert await holds(source, "one")
        issuer.body = body
        clock.now += 21
        assert await holds(source, "one")
        await issuer.has_answered(2)
        assert await holds(source, "one")
