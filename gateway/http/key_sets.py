"""A JWKS in a file or behind a URL -> the key with a given id. Rotation is met by reading again when an id is unknown.

Refuses (`KeysUnreadable`) when the set cannot be read or has no such key; an unknown id makes us read again at most
every few seconds, so that a flood of made-up ids costs nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from gateway.errors import GatewayError

_REREAD_AFTER_S = 5.0
_FETCH_TIMEOUT_S = 5.0
_UNREADABLE = (
    OSError,
    TimeoutError,
    aiohttp.ClientError,
    msgspec.DecodeError,
    JoseError,
    ValueError,
    KeyError,
    TypeError,
)


class KeysUnreadable(GatewayError):
    """The keys to check tokens with are not to be had, or none of them has this id."""


class KeySource:
    def __init__(self, read: Callable[[], Awaitable[bytes]], now: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._now = now
        self._keys: dict[str, Key] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def key_named(self, kid: str) -> Key:
        if kid not in self._keys:
            await self._reread()
        try:
            return self._keys[kid]
        except KeyError:
            raise KeysUnreadable(f"no key has the id {kid!r:.80}") from None

    async def _reread(self) -> None:
        async with self._reading:
            if self._now() - self._read_at < _REREAD_AFTER_S:
                return
            self._read_at = self._now()
            try:
                found = KeySet.import_key_set(msgspec.json.decode(await self._read()))
            except _UNREADABLE as error:
                raise KeysUnreadable(f"the key set cannot be read: {error}") from error
            self._keys = {key.kid: key for key in found.keys if key.kid}


def keys_from_file(file: Path) -> KeySource:
    async def read() -> bytes:
        return await asyncio.to_thread(file.read_bytes)

    return KeySource(read)


def keys_from_url(url: str, session: aiohttp.ClientSession) -> KeySource:
    async def read() -> bytes:
        async with asyncio.timeout(_FETCH_TIMEOUT_S), session.get(url, allow_redirects=False) as response:
            response.raise_for_status()
            return await response.content.read(1024 * 1024)

    return KeySource(read)
