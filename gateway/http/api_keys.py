"""Callers who show a key instead of a token.

In: a key's text and where it comes from. Out: an `Identity`. Refuses (`KeyRefused`) what no verifier knows, and
(`TurnedAway`) an address that has tried too many keys. What verifies keys is pluggable: `KeyVerifier`.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, TypeVar

from msgspec import Struct

from gateway.errors import ErrorCode, GatewayError, Unauthenticated
from gateway.http.identity import Identity
from gateway.http.rate_counts import MemoryCounts, Quota
from gateway.http.rate_limits import TurnedAway
from gateway.traffic_settings import ApiKeySettings

_LONGEST = 512
Kept = TypeVar("Kept")


class KeyVerifier(Protocol):
    """Whose key it is; None: nobody's. Raises `KeysUnavailable` where that cannot be told now.

    Compare in constant time: who asks may be guessing. An identity's `expires_at` is when the key ends, `inf` if never.
    """

    async def identity_of(self, key: str) -> Identity | None: ...


class KeysUnavailable(GatewayError):
    """Whoever knows the keys does not answer."""


class KeyRefused(Unauthenticated):
    """A key was sent and nobody has it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.args = ("The API key is not valid.",)


class _Kept(Struct, frozen=True):
    identity: Identity
    until: float


class ApiKeys:
    def __init__(self, settings: ApiKeySettings, verifier: KeyVerifier, now: Callable[[], float] = time.time) -> None:
        self.header = settings.header
        self._settings = settings
        self._verifier = verifier
        self._now = now
        self._known: OrderedDict[bytes, _Kept] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Identity | None]] = {}
        self._failures = MemoryCounts(settings.max_kept)

    async def identity(self, key: str, address: str) -> Identity:
        if not key or len(key) > _LONGEST:
            raise KeyRefused("the API key is empty or too long")
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        kept, now = self._known.get(digest), self._now()
        if kept is not None and now < kept.until:
            return kept.identity
        if now < self._unknown.get(digest, 0.0):
            raise KeyRefused("nobody had this API key a moment ago")
        identity = await self._found(key, digest, address)
        if identity is None or identity.expires_at <= self._now():
            _keep(self._unknown, digest, self._now() + self._settings.unknown_s, self._settings.max_kept)
            raise KeyRefused("nobody has this API key")
        until = min(identity.expires_at, self._now() + self._settings.stream_s)
        identity = Identity(identity.subject, identity.claims, until)
        kept = _Kept(identity, min(until, self._now() + self._settings.cache_s))
        _keep(self._known, digest, kept, self._settings.max_kept)
        return identity

    async def close(self) -> None:
        for task in (asking := list(self._asking.values())):
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _found(self, key: str, digest: bytes, address: str) -> Identity | None:
        """Counted as a failure until it is none, so that guesses at the same time count as well."""
        quota = Quota("keys", address, self._settings.failures)
        verdict = self._failures.taken([quota])[0]
        if verdict.refused:
            message = "Too many API keys from your address do not hold; try again later."
            raise TurnedAway(message, 429, ErrorCode.RATE_LIMITED, verdict.retry_after_s, [])
        try:
            identity = await self._asked(key, digest)
        except KeysUnavailable as error:
            self._failures.give_back(quota)
            message = "API keys cannot be checked at the moment; try again."
            raise TurnedAway(message, 503, ErrorCode.OVERLOADED, 1.0, []) from error
        except asyncio.CancelledError:
            self._failures.give_back(quota)
            raise
        if identity is not None:
            self._failures.give_back(quota)
        return identity

    async def _asked(self, key: str, digest: bytes) -> Identity | None:
        """Once for all who show the same key at the same time; goes on when one of them leaves."""
        task = self._asking.get(digest)
        if task is None:
            task = self._asking[digest] = asyncio.ensure_future(self._verifier.identity_of(key))
            task.add_done_callback(lambda _: self._asking.pop(digest, None))
        return await asyncio.shield(task)


def _keep(kept: OrderedDict[bytes, Kept], digest: bytes, value: Kept, most: int) -> None:
    kept[digest] = value
    kept.move_to_end(digest)
    if len(kept) > most:
        kept.popitem(last=False)
