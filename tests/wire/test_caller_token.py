"""The caller token on the wire: the gateway signs what subgraphs were promised, and they read what it signed.

Ed25519 signs deterministically, so a fixed key, clock and user give one text.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey

from gateway.http.identity import CallerTokenSigner, Identity, SignedCaller
from subgraphs.serving.caller_token import CallerTokens
from subgraphs.serving.errors import Unauthenticated

NOW = 1_800_000_000
TENANT, USER = "01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002"
# The first secret key of RFC 8032, 7.1.
SECRET = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
IDENTITY = Identity(USER, {"tenant": TENANT, "roles": ["ENGINEER"], "scopes": ["scan:read"], "name": "Ada"}, NOW + 900)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "d": SECRET, "x": PUBLIC})
    file = tmp_path / "caller.pem"
    file.write_bytes(key.as_pem(private=True))
    return file


def part(token: str, index: int) -> object:
    text = token.split(".")[index]
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def tokens_at(now: float) -> CallerTokens:
    kid = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": PUBLIC}).thumbprint()
    return CallerTokens({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": PUBLIC, "kid": kid}]}, lambda: now)


def test_the_token_says_who_asks_in_the_promised_form(key_file: Path) -> None:
    token = CallerTokenSigner(key_file, lambda: NOW).sign(IDENTITY)
    assert part(token, 0) == {
        "typ": "caller+jwt",
        "alg": "EdDSA",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    }
    assert part(token, 1) == {
        "iss": "gateway",
        "aud": "subgraph",
        "sub": USER,
        "iat": NOW,
        "exp": NOW + 60,
        "claims": {"tenant": TENANT, "roles": ["ENGINEER"], "scopes": ["scan:read"], "name": "Ada"},
    }
    assert token == CallerTokenSigner(key_file, lambda: NOW).sign(IDENTITY)


def test_a_subgraph_reads_the_caller_that_the_gateway_wrote(key_file: Path) -> None:
    caller = tokens_at(NOW + 30).caller(CallerTokenSigner(key_file, lambda: NOW).sign(IDENTITY))
    assert caller is not None
    assert (str(caller.tenant), str(caller.user), caller.roles, caller.scopes, caller.name) == (
        TENANT,
        USER,
        frozenset({"ENGINEER"}),
        frozenset({"scan:read"}),
        "Ada",
    )


def test_a_token_does_not_outlive_its_minute(key_file: Path) -> None:
    token = CallerTokenSigner(key_file, lambda: NOW).sign(IDENTITY)
    with pytest.raises(Unauthenticated):
        tokens_at(NOW + 120).caller(token)


def test_one_operation_signs_once_and_again_before_the_token_gets_old(key_file: Path) -> None:
    clock = [0.0]
    signed: list[int] = []

    def unix_now() -> float:
        signed.append(1)
        return NOW + clock[0]

    caller = SignedCaller(IDENTITY, CallerTokenSigner(key_file, unix_now), lambda: clock[0])
    first = caller.token()
    assert (caller.token(), len(signed)) == (first, 1)
    clock[0] = 31.0
    assert (caller.token() == first, len(signed)) == (False, 2)


def test_nobody_known_sends_no_token(key_file: Path) -> None:
    assert SignedCaller(None, CallerTokenSigner(key_file)).token() is None
