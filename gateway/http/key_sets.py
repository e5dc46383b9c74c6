"""A JWKS in a file or behind a URL -> the key with a given id.

Rotation is met in two ways: the set is read again in the background when it gets old, and at once for an unknown id.

Refuses (`KeysUnreadable`) an id that no key has. Reading is never waited for where the key is known, goes on when who
asked for it has left, and happens at most every few seconds: a flood of made-up ids costs nothing. While the set cannot
be read, known keys hold on for a settable time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import aiohttp
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from msgspec import Struct

from gateway.errors import GatewayError

_log = logging.getLogger("gateway")
_FETCH_TIMEOUT_S = 5.0
_MOST_BYTES = 1024 * 1024
_MOST_KEYS = 100
_UNREADABLE = (OSError, TimeoutError, aiohttp.ClientError, msgspec.MsgspecError, JoseError, ValueError, RecursionError)


class KeysUnreadable(GatewayError):
    """The keys to check tokens with are not to be had, or none of them has this id."""


class KeyAges(Struct, frozen=True):
    """refresh_s: when a set is old; stale_s: how long its keys hold after it was read last; pause_s: between reads."""

    refresh_s: float = 300.0
    stale_s: float = 86_400.0
    pause_s: float = 5.0


class _KeySet(Struct):
    keys: list[dict[str, object]]


_decoder = msgspec.json.Decoder(_KeySet)


class KeySource:
    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        now: Callable[[], float] = time.monotonic,
        ages: KeyAges = KeyAges(),  # noqa: B008 - frozen
    ) -> None:
        self._read = read
        self._now = now
        self._ages = ages
        self._known: dict[str, tuple[dict[str, object], Key]] = {}
        self._tried_at = self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def key_named(self, kid: str) -> Key:
        key = self.held(kid)
        if key is None:
            reading = self._reread()
            if reading is not None:
                await asyncio.shield(reading)
            key = self.held(kid)
        if key is None:
            raise KeysUnreadable(f"no key has the id {kid!r:.80}")
        return key

    def held(self, kid: str) -> Key | None:
        """The key, if it is known and holds. Sees to it that what gets old is read again."""
        age = self._now() - self._read_at
        if age > self._ages.refresh_s:
            self._reread()
        if age > self._ages.stale_s:
            return None
        found = self._known.get(kid)
        return None if found is None else found[1]

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _reread(self) -> asyncio.Task[None] | None:
        """The reading that is under way, perhaps a new one; None: too soon after the last."""
        if self._reading is None or self._reading.done():
            if self._now() - self._tried_at < self._ages.pause_s:
                return None
            self._tried_at = self._now()
            self._reading = asyncio.create_task(self._take_over())
        return self._reading

    async def _take_over(self) -> None:
        try:
            found = _decoder.decode(await self._read()).keys[:_MOST_KEYS]
        except _UNREADABLE as error:
            _log.warning("the key set cannot be read: %s", str(error) or type(error).__name__)
            return
        # A key that has not changed stays the same object: what was verified by it still counts.
        kept = {kid: each for kid, each in self._known.items() if each[0] in found}
        self._known = {kid: kept.get(kid) or (data, key) for data in found for kid, key in _usable(data)}
        self._read_at = self._now()


def _usable(data: dict[str, object]) -> list[tuple[str, Key]]:
    """The key and its id; nothing for one that we cannot use: others of the set may be for others (RFC 7517, 5)."""
    kid = data.get("kid")
    if not isinstance(kid, str) or not kid or data.get("use", "sig") != "sig":
        return []
    try:
        return [(kid, JWKRegistry.import_key(cast("dict[str, str | list[str]]", data)))]
    except (JoseError, ValueError, TypeError, KeyError) as error:
        _log.warning("a key of the set cannot be used: %s", error)
        return []


def keys_from_file(file: Path, ages: KeyAges = KeyAges()) -> KeySource:  # noqa: B008 - frozen
    async def read() -> bytes:
        return await asyncio.to_thread(file.read_bytes)

    return KeySource(read, ages=ages)


def keys_from_url(
    url: str,
    session: aiohttp.ClientSession,
    ages: KeyAges = KeyAges(),  # noqa: B008 - frozen
    now: Callable[[], float] = time.monotonic,
) -> KeySource:
    async def read() -> bytes:
        async with asyncio.timeout(_FETCH_TIMEOUT_S), session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"{url} answers {response.status}")
            return await body_of(response, _MOST_BYTES)

    return KeySource(read, now, ages)


async def body_of(response: aiohttp.ClientResponse, most: int) -> bytes:
    """All of it; a ValueError where that is more."""
    body = b""
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            raise ValueError(f"the answer has more than {most} bytes")
    return body
