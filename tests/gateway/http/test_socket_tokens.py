"""Who is asking on a WebSocket, as time goes by: tokens run out, are renewed, and belong to one caller."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.settings import Settings, TokenSettings, WebSocketSettings
from tests.federation.harness.suite import gateway_over_http, suite_named
from tests.gateway.http.test_identity import KEY, token, write_keys
from tests.gateway.http.test_websocket import ask, close_code, connected, heard, say


@asynccontextmanager
async def gateway(folder: Path, **sockets: Any) -> AsyncIterator[str]:
    write_keys(folder / "keys.json", KEY)
    suite = suite_named("shop")
    tokens = TokenSettings(jwks=str(folder / "keys.json"), issuer="d2r", audience="api", leeway_s=0)
    settings = Settings(tokens=tokens, websocket=WebSocketSettings(**sockets))
    async with gateway_over_http(suite, settings) as url:
        yield url


def bearer(lasts_s: float, subject: str = "ada", tenant: str = "t") -> dict[str, str]:
    claims = {"iss": "d2r", "aud": "api", "sub": subject, "exp": time.time() + lasts_s, "tenant": tenant}
    return {"Authorization": f"Bearer {token(claims)}"}


async def test_a_socket_ends_with_its_token(tmp_path: Path) -> None:
    async with gateway(tmp_path) as url, connected(url) as socket:
        await say(socket, {"type": "connection_init", "payload": bearer(1)})
        assert (await heard(socket))["type"] == "connection_ack"
        async with asyncio.timeout(3):
            assert await close_code(socket) == 4403


async def test_a_newer_token_in_a_ping_lets_the_socket_live_on(tmp_path: Path) -> None:
    async with gateway(tmp_path) as url, connected(url) as socket:
        await say(socket, {"type": "connection_init", "payload": bearer(1)})
        assert (await heard(socket))["type"] == "connection_ack"
        await say(socket, {"type": "ping", "payload": bearer(60)})
        assert (await heard(socket))["type"] == "pong"
        await asyncio.sleep(1.3)
        await ask(socket, "{ __typename }")
        assert (await heard(socket))["payload"] == {"data": {"__typename": "Query"}}


async def test_the_newer_token_has_to_be_the_same_callers(tmp_path: Path) -> None:
    for other in (bearer(60, subject="eve"), bearer(60, tenant="other"), {"Authorization": "Bearer forged"}):
        async with gateway(tmp_path) as url, connected(url) as socket:
            await say(socket, {"type": "connection_init", "payload": bearer(60)})
            assert (await heard(socket))["type"] == "connection_ack"
            await say(socket, {"type": "ping", "payload": other})
            assert await close_code(socket) == 4403


async def test_a_pong_tells_the_servers_time(tmp_path: Path) -> None:
    async with gateway(tmp_path) as url, connected(url) as socket:
        await say(socket, {"type": "ping"})
        pong = await heard(socket)
        assert abs(pong["payload"]["serverTimeMs"] - time.time() * 1000) < 2000


async def test_one_caller_has_so_many_sockets_and_another_has_their_own(tmp_path: Path) -> None:
    async with gateway(tmp_path, max_sockets=1) as url, connected(url) as first:
        await say(first, {"type": "connection_init", "payload": bearer(60)})
        assert (await heard(first))["type"] == "connection_ack"
        async with connected(url) as second:
            await say(second, {"type": "connection_init", "payload": bearer(60)})
            assert await close_code(second) == 4429
        async with connected(url) as other:
            await say(other, {"type": "connection_init", "payload": bearer(60, subject="bob")})
            assert (await heard(other))["type"] == "connection_ack"
        await first.close()
        await asyncio.sleep(0.2)
        async with connected(url) as again:
            await say(again, {"type": "connection_init", "payload": bearer(60)})
            assert (await heard(again))["type"] == "connection_ack"


async def test_sockets_that_show_no_token_are_counted_by_address(tmp_path: Path) -> None:
    """Nobody counted them: one address could open any number, and those who never introduced themselves as well."""
    async with gateway(tmp_path, max_sockets_of_address=2) as url, connected(url) as silent, connected(url) as nobody:
        await say(nobody, {"type": "connection_init"})
        assert (await heard(nobody))["type"] == "connection_ack"
        async with connected(url) as third:
            assert await close_code(third) == 4429
        # Once it is known, a socket is its caller's and no longer its address's.
        await say(silent, {"type": "connection_init", "payload": bearer(60)})
        assert (await heard(silent))["type"] == "connection_ack"
        async with connected(url) as again:
            await say(again, {"type": "connection_init"})
            assert (await heard(again))["type"] == "connection_ack"
