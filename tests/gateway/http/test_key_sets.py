"""A key set over HTTP that is rotated, slow, broken or gone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc.jwk import ECKey, Key, OKPKey

from gateway.http.key_sets import KeyAges, KeySource, KeysUnreadable, keys_from_url
from infra.local.platform import any_free_port

ONE, TWO = (OKPKey.generate_key("Ed25519", {"kid": kid}) for kid in ("one", "two"))
QUICK = KeyAges(refresh_s=0.2, stale_s=0.8, pause_s=0.05)


class Issuer:
    """Answers with `body` under `status`, once `let` is set."""

    def __init__(self, *keys: Key) -> None:
        self.status, self.reads = 200, 0
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
        # In two pieces, as larger sets come.
        for piece in (self.body[:50], self.body[50:]):
            await response.write(piece)
            await asyncio.sleep(0.005)
        return response


@asynccontextmanager
async def source_of(issuer: Issuer, ages: KeyAges = QUICK) -> AsyncIterator[KeySource]:
    app = web.Application()
    app.router.add_get("/keys", issuer.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = any_free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession() as session:
        source = keys_from_url(f"http://127.0.0.1:{port}/keys", session, ages)
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
    issuer = Issuer(ONE)
    async with source_of(issuer) as source:
        assert (await holds(source, "one"), await holds(source, "two")) == (True, False)
        issuer.publish(ONE, TWO)
        await asyncio.sleep(0.06)
        assert await holds(source, "two")
        issuer.publish(TWO)
        await asyncio.sleep(0.25)
        # Who asks first sets the refresh off, and does not wait for it.
        assert await holds(source, "one")
        await asyncio.sleep(0.1)
        assert (await holds(source, "one"), await holds(source, "two")) == (False, True)


async def test_a_key_that_stays_is_the_same_object_after_a_refresh() -> None:
    issuer = Issuer(ONE)
    async with source_of(issuer) as source:
        before = await source.key_named("one")
        issuer.publish(TWO, ONE)
        await holds(source, "two")
        await asyncio.sleep(0.06)
        assert await holds(source, "two")
        assert await source.key_named("one") is before


@pytest.mark.parametrize("status", [500, 302])
async def test_in_an_outage_known_keys_hold_for_a_while_and_no_longer(status: int) -> None:
    issuer = Issuer(ONE)
    async with source_of(issuer) as source:
        assert await holds(source, "one")
        issuer.status = status
        for _ in range(3):
            await asyncio.sleep(0.2)
            assert await holds(source, "one")
        assert issuer.reads > 1
        await asyncio.sleep(0.3)
        assert not await holds(source, "one")
        issuer.status = 200
        await asyncio.sleep(0.1)
        assert await holds(source, "one")


async def test_a_slow_set_keeps_nobody_with_a_known_key_waiting() -> None:
    issuer = Issuer(ONE)
    async with source_of(issuer, KeyAges(refresh_s=0.1, stale_s=60, pause_s=0)) as source:
        assert await holds(source, "one")
        issuer.let.clear()
        await asyncio.sleep(0.15)
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
    issuer = Issuer(ONE)
    async with source_of(issuer, KeyAges(refresh_s=60, stale_s=600, pause_s=0.2)) as source:
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            await asyncio.gather(*(holds(source, str(number)) for number in range(100)))
        assert 2 <= issuer.reads <= 4


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
    issuer = Issuer(ONE)
    async with source_of(issuer) as source:
        assert await holds(source, "one")
        issuer.body = body
        await asyncio.sleep(0.25)
        assert await holds(source, "one")
        await asyncio.sleep(0.1)
        assert (await holds(source, "one"), issuer.reads >= 2) == (True, True)
