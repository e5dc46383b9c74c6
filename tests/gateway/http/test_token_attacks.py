"""Tokens made to be believed. Each is refused, costs little, and leads to no key but ours."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc import jwe, jws, jwt
from joserfc.jwk import Key, OctKey, OKPKey, RSAKey

from gateway.errors import Unauthenticated
from gateway.http.identity import TokenVerifier
from gateway.http.key_sets import KeyAges, KeySource
from gateway.settings import TokenSettings

NOW = 1_800_000_000
KEY = OKPKey.generate_key("Ed25519", {"kid": "one"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
ENCRYPTS = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"})
PS_ONLY = RSAKey.generate_key(2048, {"kid": "ps", "alg": "PS256"})
STRANGER = OKPKey.generate_key("Ed25519", {"kid": "one"})
SECRET = OctKey.import_key("a secret of thirty-two bytes, or more", {"kid": "oct"})
CLAIMS = {"iss": "d2r", "aud": "api", "sub": "ada", "exp": NOW + 60, "tenant": "t"}
# As careless as settings get: both families are allowed.
SETTINGS = TokenSettings(algorithms=("EdDSA", "RS256", "HS256"), issuer="d2r", audience="api")


class Keys:
    """A key set that counts how often it is read."""

    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys)
        self.reads = 0

    async def __call__(self) -> bytes:
        self.reads += 1
        return json.dumps({"keys": [key.as_dict(private=isinstance(key, OctKey)) for key in self.keys]}).encode()


def verifier_of(keys: Keys, settings: TokenSettings = SETTINGS) -> TokenVerifier:
    return TokenVerifier(settings, KeySource(keys), lambda: NOW)


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: Any = None, key: Any = KEY, algorithm: str = "EdDSA", **header: Any) -> str:
    """Any header and any bytes, honestly signed."""
    named = {"alg": algorithm, "kid": key.kid, **header}
    named = {name: value for name, value in named.items() if value is not None}
    head, body = encoded(named), encoded(CLAIMS if claims is None else claims)
    return f"{head}.{body}.{signature(head, body, key, algorithm)}"


def signature(head: str, body: str, key: Any, algorithm: str) -> str:
    """Of a header and a body that the library itself would refuse to write."""
    model = jws.JWSRegistry(algorithms=[algorithm]).get_alg(algorithm)
    return encoded(model.sign(f"{head}.{body}".encode(), key))


def with_text(text: str, key: Any = KEY) -> str:
    """The claims as they are written, JSON or not."""
    return signed(text.encode(), key)


def confused(key: Any, secret: bytes) -> str:
    head, body = encoded({"alg": "HS256", "kid": key.kid}), encoded(CLAIMS)
    return f"{head}.{body}.{encoded(hmac.digest(secret, f'{head}.{body}'.encode(), 'sha256'))}"


def unsigned(algorithm: str) -> str:
    return f"{encoded({'alg': algorithm, 'kid': 'one'})}.{encoded(CLAIMS)}."


def encrypted() -> str:
    """A token that holds for us, inside a JWE to one of our keys."""
    header = {"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "enc", "cty": "JWT"}
    return jwe.encrypt_compact(header, signed().encode(), ENCRYPTS)


PUBLIC_PEM = RSA.as_pem(private=False)
STRANGER_PUBLIC = STRANGER.as_dict(private=False)
ATTACKS = {
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg empty": unsigned(""),
    "alg none with a signature": signed().replace(signed().split(".")[0], encoded({"alg": "none", "kid": "one"})),
    "alg missing": signed(alg=None),
    "alg a list": signed(alg=["EdDSA"]),
    "alg not allowed": signed(key=RSA, algorithm="RS512"),
    "HMAC under the public key's PEM": confused(RSA, PUBLIC_PEM),
    "HMAC under the public key's JWK": confused(RSA, json.dumps(RSA.as_dict(private=False)).encode()),
    "HMAC under an Ed25519 key's x": confused(KEY, str(KEY.as_dict(private=False)["x"]).encode()),
    "HMAC under nothing": confused(RSA, b""),
    "a key for another algorithm": signed(key=PS_ONLY, algorithm="RS256"),
    "a key that encrypts": signed(key=ENCRYPTS, algorithm="RS256"),
    "another's key under our id": signed(key=STRANGER),
    "kid missing": signed(kid=None),
    "kid empty": signed(kid=""),
    "kid unknown": signed(kid="two"),
    "kid a path": signed(kid="../../../../dev/null"),
    "kid with a NUL": signed(kid="one\0"),
    "kid a query": signed(kid="one' OR '1'='1"),
    "kid a number": signed(kid=1),
    "kid an object": signed(kid={"one": 1}),
    "jku of a stranger": signed(key=STRANGER, jku="http://127.0.0.1:1/keys"),
    "x5u of a stranger": signed(key=STRANGER, x5u="http://127.0.0.1:1/cert"),
    "jwk of a stranger": signed(key=STRANGER, jwk=STRANGER_PUBLIC),
    "x5c of a stranger": signed(key=STRANGER, x5c=["AAAA"]),
    "jwk and no kid": signed(key=STRANGER, kid=None, jwk=STRANGER_PUBLIC),
    "crit": signed(crit=["exp"]),
    "crit of its own": signed(crit=["admin"], admin=True),
    "b64 false": signed(b64=False, crit=["b64"]),
    "expired": signed({**CLAIMS, "exp": NOW - 6}),
    "no exp": signed({name: value for name, value in CLAIMS.items() if name != "exp"}),
    "exp a text": signed({**CLAIMS, "exp": str(NOW + 60)}),
    "exp true": signed({**CLAIMS, "exp": True}),
    "exp null": signed({**CLAIMS, "exp": None}),
    "exp no number": with_text(json.dumps({**CLAIMS, "exp": float("nan")})),
    "exp infinite": with_text(json.dumps({**CLAIMS, "exp": float("inf")})),
    "exp beyond all numbers": with_text(json.dumps(CLAIMS).replace(str(NOW + 60), "1e999")),
    "exp of many digits": with_text(json.dumps(CLAIMS).replace(str(NOW + 60), "9" * 400)),
    "exp of too many digits": with_text(json.dumps(CLAIMS).replace(str(NOW + 60), "9" * 5000)),
    "nbf of many digits": with_text(json.dumps({**CLAIMS, "nbf": 0}).replace(' 0}', " -" + "9" * 400 + "}")),
    "half a character in a claim": with_text(json.dumps({**CLAIMS, "tenant": "\ud800"})),
    "half a character as a claim's name": with_text(json.dumps({**CLAIMS, "\udfff": 1})),
    "not yet": signed({**CLAIMS, "nbf": NOW + 60}),
    "nbf no number": with_text(json.dumps({**CLAIMS, "nbf": float("nan")})),
    "another issuer": signed({**CLAIMS, "iss": "d2r.example"}),
    "issuers": signed({**CLAIMS, "iss": ["d2r"]}),
    "another audience": signed({**CLAIMS, "aud": "apis"}),
    "no audience": signed({**CLAIMS, "aud": []}),
    "an audience inside another": signed({**CLAIMS, "aud": {"api": True}}),
    "a subject with a NUL": signed({**CLAIMS, "sub": "ada\0admin"}),
    "a subject on two lines": signed({**CLAIMS, "sub": "ada\nadmin"}),
    "an invisible subject": signed({**CLAIMS, "sub": "ada\u202e"}),
    "a subject that is no text": signed({**CLAIMS, "sub": {"$ne": None}}),
    "another claim no number": with_text(json.dumps({**CLAIMS, "level": float("nan")})),
    "a claim twice": with_text('{"sub":"eve",' + json.dumps(CLAIMS)[1:]),
    "a claim twice further in": with_text('{"x":{"a":1,"a":2},' + json.dumps(CLAIMS)[1:]),
    "a header member twice": "",
    "claims that are a list": with_text("[1]"),
    "claims that are no JSON": with_text("sub=ada"),
    "claims in UTF-16": signed(json.dumps(CLAIMS).encode("utf-16")),
    "claims a thousand levels deep": with_text('{"a":' * 1000 + "1" + "}" * 1000),
    "no signature": signed().rpartition(".")[0] + ".",
    "two parts": signed().rpartition(".")[0],
    "four parts": signed() + ".x",
    "a nested JWE": encrypted(),
    "JSON serialization": json.dumps({"payload": "x", "signatures": []}),
    "the signature of other claims": f"{signed({**CLAIMS, 'sub': 'eve'}).rpartition('.')[0]}.{signed().split('.')[2]}",
    "huge": signed({**CLAIMS, "x": "x" * 8192}),
    "a megabyte": signed({**CLAIMS, "x": "x" * 1_000_000}),
    "a megabyte of dots": "." * 1_000_000,
    "no Base64": "ä.ö.ü",
    "blanks within": signed()[:10] + " " + signed()[10:],
}  # fmt: skip
_twice = urlsafe_b64encode(b'{"alg":"EdDSA","kid":"two","kid":"one"}').rstrip(b"=").decode()
ATTACKS["a header member twice"] = f"{_twice}.{encoded(CLAIMS)}.{signature(_twice, encoded(CLAIMS), KEY, 'EdDSA')}"


@pytest.mark.parametrize("name", ATTACKS)
async def test_a_token_made_to_be_believed_is_refused_at_little_cost(name: str) -> None:
    verifier = verifier_of(Keys(KEY, RSA, ENCRYPTS, PS_ONLY, SECRET))
    begun = time.process_time()
    for _ in range(3):
        with pytest.raises(Unauthenticated) as refused:
            await verifier.identity(f"Bearer {ATTACKS[name]}")
        assert str(refused.value) == "The access token is not valid."
    assert time.process_time() - begun < 0.1


@pytest.mark.parametrize(
    ("key", "algorithm"), [(KEY, "EdDSA"), (RSA, "RS256"), (SECRET, "HS256")], ids=["EdDSA", "RS256", "HS256"]
)
async def test_what_the_attacks_are_made_from_holds(key: Any, algorithm: str) -> None:
    identity = await verifier_of(Keys(KEY, RSA, SECRET)).identity(f"Bearer {signed(key=key, algorithm=algorithm)}")
    assert identity is not None
    assert (identity.subject, identity.claims) == ("ada", {"tenant": "t"})


async def test_many_made_up_key_ids_read_the_set_once() -> None:
    keys = Keys(KEY)
    verifier = verifier_of(keys)
    begun = time.process_time()
    for number in range(1000):
        with pytest.raises(Unauthenticated):
            await verifier.identity(f"Bearer {encoded({'alg': 'EdDSA', 'kid': str(number)})}.e30.AAAA")
    assert (keys.reads, time.process_time() - begun < 1.0) == (1, True)
    assert await verifier.identity(f"Bearer {signed()}")


@pytest.mark.parametrize("algorithms", [(), ("none",), ("EdDSA", "none"), ("RSA-OAEP",)])
def test_settings_that_prove_nothing_are_refused(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        TokenVerifier(TokenSettings(algorithms=algorithms), None)


async def test_a_token_that_is_known_again_still_ends_on_time_and_with_its_key() -> None:
    clock, monotonic, keys = [float(NOW)], [0.0], Keys(KEY, RSA)
    ages = KeyAges(refresh_s=10, stale_s=1000, pause_s=0)
    source = KeySource(keys, lambda: monotonic[0], ages)
    verifier = TokenVerifier(SETTINGS, source, lambda: clock[0])
    token = f"Bearer {signed({**CLAIMS, 'nbf': NOW})}"
    first = await verifier.identity(token)
    assert await verifier.identity(token) is first
    clock[0] = NOW + 66
    with pytest.raises(Unauthenticated, match="access token"):
        await verifier.identity(token)
    clock[0] = NOW - 6
    with pytest.raises(Unauthenticated, match="access token"):
        await verifier.identity(token)
    clock[0] = NOW
    assert await verifier.identity(token) is first
    keys.keys = [RSA]
    monotonic[0] = 11.0
    await verifier.identity(token)
    for _ in range(3):
        await asyncio.sleep(0)
    with pytest.raises(Unauthenticated, match="access token"):
        await verifier.identity(token)


async def test_so_many_tokens_are_kept_and_no_more() -> None:
    settings = TokenSettings(algorithms=("HS256",), max_verified=10)
    verifier = verifier_of(Keys(SECRET), settings)
    for number in range(50):
        await verifier.identity(f"Bearer {signed({**CLAIMS, 'jti': number}, SECRET, 'HS256')}")
    assert len(verifier._verified) == 10


async def test_a_token_costs_its_signature_once() -> None:
    verifier = verifier_of(Keys(RSA))
    token = f"Bearer {signed(key=RSA, algorithm='RS256')}"
    begun = time.process_time()
    await verifier.identity(token)
    first_s = time.process_time() - begun
    begun = time.process_time()
    for _ in range(1000):
        await verifier.identity(token)
    again_s = (time.process_time() - begun) / 1000
    print(f"first {first_s * 1e6:.0f} us, again {again_s * 1e6:.1f} us")
    assert again_s < first_s / 5


def test_the_signature_helper_writes_what_the_library_writes() -> None:
    written = jwt.encode({"alg": "EdDSA", "kid": "one"}, CLAIMS, KEY, algorithms=["EdDSA"])
    head, body, mark = written.split(".")
    assert signature(head, body, KEY, "EdDSA") == mark
