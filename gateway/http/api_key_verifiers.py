"""Two ways to know API keys: a file of their hashes, and asking over HTTP (RFC 7662).

In: a key's text. Out: whose it is, or None. The file is read again when it has changed; one that cannot be read is
refused at the start, and later leaves the keys as they were. What introspection does not say in time and in form is
`KeysUnavailable`, and never taken for a no.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import math
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import aiohttp
import msgspec
from msgspec import Struct

from gateway.errors import GatewayError
from gateway.http.api_keys import KeysUnavailable
from gateway.http.identity import FARTHEST, Identity
from gateway.http.key_sets import body_of
from gateway.traffic_settings import ApiKeySettings

_log = logging.getLogger("gateway")
_LOOK_AGAIN_AFTER_S = 1.0
_MOST_BYTES = 64 * 1024
_REGISTERED = frozenset({"active", "sub", "scope", "exp", "iat", "nbf", "iss", "aud", "jti", "token_type"})
_object = msgspec.json.Decoder(dict[str, object])


class KeyFileUnreadable(GatewayError):
    """The file of API keys is not there or not as it must be."""


class HashedKey(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One key. It reads `prefix.secret`; `sha256` is that of all of it, in hex. A secret is random, 16 bytes or more:
    no guess at it gets anywhere, so no slow hash is needed."""

    prefix: str
    sha256: str
    subject: str
    scopes: list[str] = []
    claims: Mapping[str, object] = {}
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError(f"sha256 of {self.prefix!r} is not 64 hex digits in lower case")
        if not self.subject or not self.prefix or "." in self.prefix:
            raise ValueError("a key has a subject, and a prefix without a dot")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise ValueError(f"expires_at of {self.prefix!r} names no time zone")


_keys = msgspec.json.Decoder(list[HashedKey])
_NOBODY = HashedKey("nobody", "0" * 64, "nobody")


class HashedKeys:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed_ns, self._by_prefix = _read(file)
        self._looked_at = time.monotonic()

    async def identity_of(self, key: str) -> Identity | None:
        await self._look_again()
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        found: HashedKey | None = None
        # All of them, and one at least: the time says neither which it is nor whether its prefix is known.
        for each in self._by_prefix.get(key.partition(".")[0], [_NOBODY]):
            if hmac.compare_digest(each.sha256, digest) and each is not _NOBODY:
                found = each
        if found is None:
            return None
        expires_at = math.inf if found.expires_at is None else found.expires_at.timestamp()
        return Identity(found.subject, {**found.claims, "scopes": list(found.scopes)}, expires_at)

    async def _look_again(self) -> None:
        if time.monotonic() - self._looked_at < _LOOK_AGAIN_AFTER_S:
            return
        self._looked_at = time.monotonic()
        try:
            if (await asyncio.to_thread(self._file.stat)).st_mtime_ns != self._changed_ns:
                self._changed_ns, self._by_prefix = await asyncio.to_thread(_read, self._file)
        except (OSError, KeyFileUnreadable) as error:
            _log.warning("API keys stay as they were: %s", error)


def keys_in(file: Path) -> list[HashedKey]:
    """Raises `KeyFileUnreadable`."""
    try:
        return _keys.decode(file.read_bytes())
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise KeyFileUnreadable(f"The file of API keys cannot be read: {file}: {error}") from error


def _read(file: Path) -> tuple[int, dict[str, list[HashedKey]]]:
    by_prefix: defaultdict[str, list[HashedKey]] = defaultdict(list)
    # The time first: what is written between counts as a change then.
    changed_ns = file.stat().st_mtime_ns if file.exists() else 0
    for key in keys_in(file):
        by_prefix[key.prefix].append(key)
    return changed_ns, dict(by_prefix)


class IntrospectedKeys:
    def __init__(self, url: str, authorization: Path | None, session: aiohttp.ClientSession, timeout_s: float) -> None:
        self._url = url
        self._session = session
        self._timeout_s = timeout_s
        self._headers = {"Accept": "application/json"}
        if authorization is not None:
            self._headers["Authorization"] = authorization.read_text(encoding="utf-8").strip()

    async def identity_of(self, key: str) -> Identity | None:
        form = {"token": key, "token_type_hint": "api_key"}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.post(self._url, data=form, headers=self._headers, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise KeysUnavailable(f"{self._url} answers {response.status}")
                said = _object.decode(await body_of(response, _MOST_BYTES))
        except (OSError, TimeoutError, aiohttp.ClientError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise KeysUnavailable(f"{self._url}: {error or type(error).__name__}") from error
        return _identity_in(said)


def _identity_in(said: Mapping[str, object]) -> Identity | None:
    subject, expires, scope = said.get("sub"), said.get("exp", math.inf), said.get("scope", "")
    if said.get("active") is not True:
        return None
    if not isinstance(subject, str) or not subject or not isinstance(expires, int | float) or expires is True:
        raise KeysUnavailable("introspection calls a key active and does not say whose it is, or until when")
    claims = {name: value for name, value in said.items() if name not in _REGISTERED}
    # A whole number may be larger than any float.
    until = math.inf if expires > FARTHEST else float(max(expires, 0))
    return Identity(subject, {**claims, "scopes": scope.split() if isinstance(scope, str) else []}, until)


def check_key_settings(settings: ApiKeySettings) -> None:
    """Raises ValueError where they name no verifier, or two; `KeyFileUnreadable` for a file that is none."""
    if (settings.file is None) == (settings.introspection_url is None):
        raise ValueError("api_keys needs either `file` or `introspection_url`.")
    if settings.file is not None:
        _read(settings.file)


def key_verifier(settings: ApiKeySettings, session: aiohttp.ClientSession) -> HashedKeys | IntrospectedKeys:
    """The one that the settings name."""
    if settings.file is not None:
        return HashedKeys(settings.file)
    return IntrospectedKeys(
        str(settings.introspection_url), settings.introspection_authorization, session, settings.timeout_s
    )
