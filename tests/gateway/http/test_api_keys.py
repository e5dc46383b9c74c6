"""Callers with a key: by a file of hashes, by introspection, by a verifier of one's own."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from gateway.errors import Unauthenticated
from gateway.http.api_key_verifiers import HashedKeys, IntrospectedKeys, KeyFileUnreadable
from gateway.http.api_keys import ApiKeys, KeysUnavailable
from gateway.http.identity import Identity
from gateway.http.rate_limits import TurnedAway
from gateway.settings import HttpSettings, Settings
from gateway.traffic_settings import ApiKeySettings, Rate, RateLimitSettings
from tests.gateway.http.keys import ANSWERED, ASKED, bearer, gateway

KEY = "acme.0123456789abcdef0123456789abcdef"
OLD = "acme.fedcba9876543210fedcba9876543210"


def entry(key: str = KEY, **other: Any) -> dict[str, Any]:
    digest = hashlib.sha256(key.encode()).hexdigest()
    return {"prefix": key.partition(".")[0], "sha256": digest, "subject": "acme-robot", **other}


def write(file: Path, *entries: dict[str, Any]) -> Path:
    file.write_text(json.dumps(entries))
    # Two writes within the clock's grain look like one.
    stamp = time.time_ns() + len(file.read_bytes())
    os.utime(file, ns=(stamp, stamp))
    return file


async def test_a_key_of_the_file_is_its_subject(tmp_path: Path) -> None:
    keys = HashedKeys(write(tmp_path / "keys", entry(scopes=["scan:read"], claims={"tenant": "t"}), entry(OLD)))
    identity = await keys.identity_of(KEY)
    assert identity == Identity("acme-robot", {"tenant": "t", "scopes": ["scan:read"]}, math.inf)
    assert await keys.identity_of(OLD) == Identity("acme-robot", {"scopes": []}, math.inf)


@pytest.mark.parametrize(
    "key", ["", "acme", "acme.", KEY[:-1], KEY + "0", KEY.upper(), "nobody.x", "nobody", "\0", "ü"]
)
async def test_any_other_text_is_nobody(tmp_path: Path, key: str) -> None:
    assert await HashedKeys(write(tmp_path / "keys", entry())).identity_of(key) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        json.dumps([entry(subject="")]).encode(),
        json.dumps([entry(sha256="00")]).encode(),
        json.dumps([entry(secret="x")]).encode(),
        json.dumps([entry(expires_at="2030-01-01T00:00:00")]).encode(),
        json.dumps([{**entry(), "prefix": "a.b"}]).encode(),
    ],
)
def test_a_file_that_is_none_is_refused_at_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "keys").write_bytes(content)
    with pytest.raises(KeyFileUnreadable):
        HashedKeys(tmp_path / "keys")


async def test_a_changed_file_counts_without_a_restart_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    keys = HashedKeys(write(tmp_path / "keys", entry()))
    write(tmp_path / "keys", entry(OLD, subject="other"))
    keys._looked_at = -math.inf
    assert (await keys.identity_of(KEY), (await keys.identity_of(OLD) or NOBODY).subject) == (None, "other")
    (tmp_path / "keys").write_text("[")
    keys._looked_at = -math.inf
    assert (await keys.identity_of(OLD) or NOBODY).subject == "other"


NOBODY = Identity("nobody", {}, 0.0)


class Verifier:
    """One of one's own, on the protocol alone."""

    def __init__(self, expires_at: float = math.inf) -> None:
        self.asked: list[str] = []
        self.expires_at = expires_at
        self.is_down = False

    async def identity_of(self, key: str) -> Identity | None:
        self.asked.append(key)
        await asyncio.sleep(0.01)
        if self.is_down:
            raise KeysUnavailable("down")
        return Identity("acme-robot", {}, self.expires_at) if key == KEY else None


async def test_what_is_known_or_unknown_is_not_asked_again_for_a_while() -> None:
    clock, verifier = [1000.0], Verifier()
    keys = ApiKeys(ApiKeySettings(cache_s=60, unknown_s=10), verifier, lambda: clock[0])
    for _ in range(5):
        assert (await keys.identity(KEY, "a")).subject == "acme-robot"
        with pytest.raises(Unauthenticated, match="The API key is not valid"):
            await keys.identity("wrong", "a")
    assert verifier.asked == [KEY, "wrong"]
    clock[0] += 11
    with pytest.raises(Unauthenticated):
        await keys.identity("wrong", "a")
    clock[0] += 50
    await keys.identity(KEY, "a")
    assert verifier.asked == [KEY, "wrong", "wrong", KEY]


async def test_a_key_ends_when_it_says_so() -> None:
    clock, verifier = [1000.0], Verifier(expires_at=1005.0)
    keys = ApiKeys(ApiKeySettings(), verifier, lambda: clock[0])
    assert (await keys.identity(KEY, "a")).expires_at == 1005.0
    clock[0] = 1005.0
    with pytest.raises(Unauthenticated):
        await keys.identity(KEY, "a")


async def test_caches_are_bounded() -> None:
    keys = ApiKeys(ApiKeySettings(max_kept=10, failures=Rate(1000)), Verifier())
    for number in range(30):
        with pytest.raises(Unauthenticated):
            await keys.identity(f"wrong {number}", str(number))
    assert (len(keys._unknown), len(keys._failures._free_at)) == (10, 10)


async def test_guesses_are_few_for_each_address_also_at_the_same_time() -> None:
    verifier = Verifier()
    keys = ApiKeys(ApiKeySettings(failures=Rate(5, 600.0)), verifier)
    await keys.identity(KEY, "guesser")
    guesses = (keys.identity(f"guess {number}", "guesser") for number in range(50))
    told = await asyncio.gather(*guesses, return_exceptions=True)
    refused = [each for each in told if isinstance(each, TurnedAway)]
    assert (len(refused), {each.status for each in refused}, len(verifier.asked)) == (45, {429}, 6)
    # A key that is known goes on, and so do others.
    await keys.identity(KEY, "guesser")
    with pytest.raises(Unauthenticated):
        await keys.identity("guess", "another")


async def test_good_keys_are_no_failures() -> None:
    clock, verifier = [1000.0], Verifier()
    keys = ApiKeys(ApiKeySettings(failures=Rate(2, 600.0)), verifier, lambda: clock[0])
    for _ in range(10):
        clock[0] += 61
        await keys.identity(KEY, "a")
    assert len(verifier.asked) == 10


async def test_the_same_key_at_the_same_time_is_asked_about_once_and_outlives_who_leaves() -> None:
    verifier = Verifier()
    keys = ApiKeys(ApiKeySettings(), verifier)
    asking = [asyncio.create_task(keys.identity(KEY, "a")) for _ in range(10)]
    await asyncio.sleep(0)
    asking[0].cancel()
    told = await asyncio.gather(*asking[1:])
    assert ({each.subject for each in told}, verifier.asked) == ({"acme-robot"}, [KEY])


async def test_a_verifier_that_is_down_is_no_no() -> None:
    verifier = Verifier()
    verifier.is_down = True
    keys = ApiKeys(ApiKeySettings(failures=Rate(2, 600.0)), verifier)
    for _ in range(5):
        with pytest.raises(TurnedAway) as refused:
            await keys.identity(KEY, "a")
        assert refused.value.status == 503
    verifier.is_down = False
    assert (await keys.identity(KEY, "a")).subject == "acme-robot"


@asynccontextmanager
async def introspection(answer: Any) -> AsyncIterator[tuple[str, list[Any]]]:
    heard: list[Any] = []

    async def introspect(request: web.Request) -> web.Response:
        heard.append((dict(await request.post()), request.headers.get("Authorization")))
        if answer == "hang":
            await asyncio.sleep(5)
        if isinstance(answer, int):
            return web.Response(status=answer)
        return web.Response(body=answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    app = web.Application()
    app.router.add_post("/", introspect)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/", heard
    await runner.cleanup()


ACTIVE = {"active": True, "sub": "acme-robot", "scope": "scan:read scan:write", "exp": 2_000_000_000, "tenant": "t"}


async def introspected(answer: Any, secret: Path | None = None) -> Any:
    async with introspection(answer) as (url, heard), aiohttp.ClientSession() as session:
        timeout_s = 0.3 if answer == "hang" else 10.0
        return await IntrospectedKeys(url, secret, session, timeout_s).identity_of(KEY), heard


async def test_introspection_asks_as_the_rfc_says(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("Bearer gateway\n")
    identity, heard = await introspected(ACTIVE, tmp_path / "secret")
    told = {"tenant": "t", "scopes": ["scan:read", "scan:write"]}
    assert identity == Identity("acme-robot", told, 2_000_000_000.0)
    assert heard == [({"token": KEY, "token_type_hint": "api_key"}, "Bearer gateway")]


@pytest.mark.parametrize("answer", [{"active": False}, {**ACTIVE, "active": "true"}, {**ACTIVE, "active": 1}, {}])
async def test_what_is_not_active_is_nobody(answer: Any) -> None:
    assert (await introspected(answer))[0] is None


@pytest.mark.parametrize(
    "answer",
    [500, 302, 401, "hang", b"<html>", b"[]", b" " * 100_000, {"active": True}, {**ACTIVE, "sub": 1}]
    + [{**ACTIVE, "exp": each} for each in ("soon", True, None)],
)
async def test_what_introspection_does_not_say_in_form_and_in_time_is_no_answer(answer: Any) -> None:
    with pytest.raises(KeysUnavailable):
        await introspected(answer)


@pytest.mark.parametrize(
    ("exp", "until"), [(10**400, math.inf), (-(10**400), 0.0), (1e308, math.inf)], ids=["huge", "negative", "float"]
)
async def test_an_end_beyond_all_numbers_is_an_end(exp: float, until: float) -> None:
    identity, _ = await introspected({**ACTIVE, "exp": exp})
    assert identity is not None
    assert identity.expires_at == until


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = write(tmp_path / "api-keys", entry(claims={"tenant": "t"}))
    return Settings(api_keys=ApiKeySettings(file=file), rate_limits=RateLimitSettings(caller=Rate(2, 600.0)))


async def test_a_request_with_a_key_is_its_caller_s(tmp_path: Path, settings: Settings) -> None:
    async with gateway(tmp_path, settings) as session:
        answers = [await session.post("/graphql", json=ASKED, headers={"X-API-Key": KEY}) for _ in range(3)]
        assert [each.status for each in answers] == [200, 200, 429]
        assert await answers[0].json() == ANSWERED


async def test_a_key_that_does_not_hold_is_refused_with_a_word(tmp_path: Path, settings: Settings) -> None:
    async with gateway(tmp_path, settings) as session:
        refused = await session.post("/graphql", json=ASKED, headers={"X-API-Key": "acme.wrong"})
        assert (refused.status, (await refused.json())["errors"][0]["message"]) == (401, "The API key is not valid.")
        both = await session.post("/graphql", json=ASKED, headers={"X-API-Key": KEY, **bearer()})
        assert (both.status, "not both" in (await both.json())["errors"][0]["message"]) == (400, True)
        nobody = await session.post("/graphql", json=ASKED)
        assert nobody.status == 200


async def test_a_socket_takes_a_key_too(tmp_path: Path, settings: Settings) -> None:
    async with gateway(tmp_path, settings) as session:
        for key, told in ((KEY, "connection_ack"), ("acme.wrong", 4403)):
            headers, protocols = {"X-API-Key": key}, ["graphql-transport-ws"]
            async with session.ws_connect("/graphql", protocols=protocols, headers=headers) as socket:
                await socket.send_json({"type": "connection_init"})
                message = await socket.receive()
                assert (json.loads(message.data)["type"] if message.data != 4403 else 4403) == told


async def test_a_verifier_of_one_s_own_is_asked(tmp_path: Path, settings: Settings) -> None:
    plain = msgspec.structs.replace(settings, api_keys=ApiKeySettings(header="X-Robot"))
    verifier = Verifier()
    async with gateway(tmp_path, plain, verifier=verifier) as session:
        assert (await session.post("/graphql", json=ASKED, headers={"X-Robot": KEY})).status == 200
    assert verifier.asked == [KEY]


@pytest.mark.parametrize("given", [{}, {"file": Path("a"), "introspection_url": "http://127.0.0.1"}])
async def test_one_way_to_know_keys_must_be_named(tmp_path: Path, given: Any) -> None:
    with pytest.raises(ValueError, match="either"):
        async with gateway(tmp_path, Settings(api_keys=ApiKeySettings(**given), http=HttpSettings())):
            pass
