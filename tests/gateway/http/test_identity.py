"""Which tokens are believed. Every refusal is one reason for the log, and none for the client."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from gateway.errors import Unauthenticated
from gateway.http.identity import TokenVerifier
from gateway.http.key_sets import KeySource, keys_from_file
from gateway.settings import TokenSettings

NOW = 1_800_000_000
KEY = OKPKey.generate_key("Ed25519", {"kid": "one"})
OTHER = OKPKey.generate_key("Ed25519", {"kid": "one"})
CLAIMS = {"iss": "d2r", "aud": "api", "sub": "ada", "exp": NOW + 60, "tenant": "t", "roles": ["ENGINEER"]}


def write_keys(file: Path, *keys: OKPKey) -> None:
    file.write_text(json.dumps({"keys": [key.as_dict(private=False) for key in keys]}))


@pytest.fixture
def verifier(tmp_path: Path) -> TokenVerifier:
    write_keys(tmp_path / "keys.json", KEY)
    settings = TokenSettings(issuer="d2r", audience="api")
    return TokenVerifier(settings, keys_from_file(tmp_path / "keys.json"), lambda: NOW)


def token(claims: Any = CLAIMS, key: OKPKey = KEY, **header: Any) -> str:
    return jwt.encode({"alg": "EdDSA", "kid": "one", **header}, claims, key, algorithms=["EdDSA"])


def unsigned(**header: Any) -> str:
    def encoded(value: Any) -> str:
        return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{encoded({'alg': 'none', 'kid': 'one', **header})}.{encoded(CLAIMS)}."


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CLAIMS.items() if key != name}


def confused() -> str:
    """HMAC under the public key's text, for servers that let the token choose the algorithm."""
    secret = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))
    return jwt.encode({"alg": "HS256", "kid": "one"}, CLAIMS, secret, algorithms=["HS256"])


async def test_a_good_token_gives_the_user_and_the_claims_that_are_not_the_tokens_own(verifier: TokenVerifier) -> None:
    identity = await verifier.identity(f"Bearer {token()}")
    assert identity is not None
    assert (identity.subject, identity.claims) == ("ada", {"tenant": "t", "roles": ["ENGINEER"]})


async def test_a_token_within_the_leeway_holds_to_its_end(verifier: TokenVerifier) -> None:
    """Streams end when it no longer holds: one that was just taken would have ended at once."""
    identity = await verifier.identity(f"Bearer {token({**CLAIMS, 'exp': NOW - 2})}")
    assert identity is not None
    assert identity.expires_at == NOW + 3


async def test_no_token_is_nobody(verifier: TokenVerifier) -> None:
    assert await verifier.identity(None) is None


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic YTpi",
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        f"Bearer {unsigned()}",
        f"Bearer {confused()}",
        f"Bearer {token(key=OTHER)}",
        f"Bearer {token(kid='two')}",
        f"Bearer {unsigned(kid=7)}",
        f"Bearer {token({**CLAIMS, 'exp': NOW - 60})}",
        f"Bearer {token(without('exp'))}",
        f"Bearer {token(without('sub'))}",
        f"Bearer {token({**CLAIMS, 'iss': 'else'})}",
        f"Bearer {token({**CLAIMS, 'aud': 'else'})}",
        f"Bearer {token(without('aud'))}",
        f"Bearer {token({**CLAIMS, 'nbf': NOW + 60})}",
        f"Bearer {token()[:-4]}AAAA",
    ],
)
async def test_a_token_that_does_not_hold_is_refused(verifier: TokenVerifier, authorization: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.identity(authorization)


async def test_a_token_without_a_key_id_is_refused_though_there_is_only_one_key(verifier: TokenVerifier) -> None:
    nameless = OKPKey.import_key(_nameless())
    unnamed = jwt.encode({"alg": "EdDSA"}, CLAIMS, nameless, algorithms=["EdDSA"])
    with pytest.raises(Unauthenticated):
        await verifier.identity(f"Bearer {unnamed}")


async def test_a_new_key_in_the_set_is_found_without_a_restart(tmp_path: Path) -> None:
    file, clock = tmp_path / "keys.json", [0.0]
    write_keys(file, KEY)

    async def read() -> bytes:
        return file.read_bytes()

    verifier = TokenVerifier(TokenSettings(), KeySource(read, lambda: clock[0]), lambda: NOW)
    assert await verifier.identity(f"Bearer {token()}")
    rotated = OKPKey.generate_key("Ed25519", {"kid": "two"})
    write_keys(file, rotated)
    clock[0] = 10.0
    assert await verifier.identity(f"Bearer {token(key=rotated, kid='two')}")


def _nameless() -> dict[str, Any]:
    return {name: value for name, value in KEY.as_dict(private=True).items() if name != "kid"}
