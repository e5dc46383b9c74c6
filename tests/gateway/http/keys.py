"""Keys and tokens for tests, and a gateway that knows them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from joserfc import jwt
from joserfc.jwk import Key, OKPKey

from gateway.app import build_app
from gateway.settings import Settings, TokenSettings
from tests.federation.harness.serving import served
from tests.federation.harness.suite import suite_named

KEY = OKPKey.generate_key("Ed25519", {"kid": "one"})
ASKED = {"query": "query Me { me { name } }"}
ANSWERED = {"data": {"me": {"name": "Ada"}}}


def write_keys(file: Path, *keys: Key) -> None:
    file.write_text(json.dumps({"keys": [key.as_dict(private=False) for key in keys]}))


def token(key: Key = KEY, algorithm: str = "EdDSA", header: Any = None, **claims: Any) -> str:
    told = {"sub": "ada", "exp": int(time.time()) + 60, "tenant": "t", **claims}
    named = {"alg": algorithm, "kid": key.kid, **(header or {})}
    kept = {name: value for name, value in told.items() if value is not None}
    return jwt.encode(named, kept, key, algorithms=[algorithm])


def bearer(**claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(**claims)}"}


@asynccontextmanager
async def gateway(folder: Path, settings: Settings, **options: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """All subgraphs in the process; `settings` with the keys of `folder`."""
    suite = suite_named("shop")
    if settings.tokens == TokenSettings():
        write_keys(folder / "keys.json", KEY)
        settings = msgspec.structs.replace(settings, tokens=TokenSettings(jwks=str(folder / "keys.json")))
    app = build_app(settings, suite.supergraph, suite.subgraphs, **options)  # type: ignore[arg-type]
    async with served(app) as url, aiohttp.ClientSession(url) as session:
        yield session
