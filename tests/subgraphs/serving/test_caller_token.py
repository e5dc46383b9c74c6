"""Every way in which a caller token may be wrong, and the one in which it is right."""

import time
from collections.abc import Callable

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey, OKPKey

from db.caller import Caller, TenantId, UserId
from subgraphs.serving.caller_token import CallerTokens
from subgraphs.serving.errors import Unauthenticated
from tests.subgraphs.serving.example import GATEWAY_KEY, TENANT, USER, caller_token

TOKENS = CallerTokens({"keys": [GATEWAY_KEY.as_dict(private=False)]})
STRANGER = OKPKey.generate_key("Ed25519", parameters={"kid": "gateway-1"})


def test_a_good_token_names_its_caller() -> None:
    assert TOKENS.caller(caller_token(scopes=["audit:read"])) == Caller(
        tenant=TenantId(TENANT),
        user=UserId(USER),
        roles=frozenset({"viewer"}),
        scopes=frozenset({"audit:read"}),
        name="Ada",
    )


def test_no_token_is_nobody() -> None:
    assert TOKENS.caller(None) is None


def unsigned() -> str:
    _, body, _ = caller_token().split(".")
    plain = jws.serialize_compact({"alg": "none"}, b"{}", OctKey.generate_key(), algorithms=["none"]).split(".")[0]
    return f"{plain}.{body}."


def signed_with_the_public_key_as_a_secret() -> str:
    secret = OctKey.import_key(str(GATEWAY_KEY.as_dict(private=False)["x"]))
    claims = {"iss": "gateway", "aud": "subgraph", "sub": str(USER), "iat": 0, "exp": 9999999999}
    return jwt.encode({"alg": "HS256", "kid": "gateway-1", "typ": "caller+jwt"}, claims, secret, algorithms=["HS256"])


def altered() -> str:
    head, _, mark = caller_token().split(".")
    return f"{head}.{caller_token(sub=str(TENANT)).split('.')[1]}.{mark}"


def now_and(seconds: int) -> int:
    return int(time.time()) + seconds


# Made when the test runs: one that is made before has run out by then, and is refused for that alone.
OTHERS: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no token": lambda: "not a token",
    "no parts": lambda: "a.b.c",
    "unsigned": unsigned,
    "the public key as a secret": signed_with_the_public_key_as_a_secret,
    "altered": altered,
    "another key": lambda: caller_token(key=STRANGER),
    "another key's name": lambda: caller_token(header={"kid": "gateway-2"}),
    "another kind": lambda: caller_token(header={"typ": "JWT"}),
    "another issuer": lambda: caller_token(iss="somebody"),
    "another audience": lambda: caller_token(aud="d2r"),
    "run out": lambda: caller_token(iat=now_and(-120), exp=now_and(-60)),
    "not yet": lambda: caller_token(iat=now_and(600), exp=now_and(660)),
    "without an end": lambda: caller_token(exp=None),
    "an end that is no time": lambda: caller_token(exp="later"),
    "no user": lambda: caller_token(sub="nobody"),
    "no claims": lambda: caller_token(claims={}),
    "no tenant": lambda: caller_token(claims={"tenant": "mine"}),
    "claims that are a text": lambda: caller_token(claims="all"),
    "scopes that are a number": lambda: caller_token(claims={"tenant": str(TENANT), "scopes": 7}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_other_token_is_refused(name: str) -> None:
    token = OTHERS[name]()
    with pytest.raises(Unauthenticated):
        TOKENS.caller(token)


def test_a_token_without_a_key_name_is_refused_even_when_the_key_is_right() -> None:
    claims = {"iss": "gateway", "aud": "subgraph", "sub": str(USER), "iat": now_and(0), "exp": now_and(60)}
    whole = GATEWAY_KEY.as_dict(private=True)
    nameless = OKPKey.import_key({part: value for part, value in whole.items() if part != "kid"})
    token = jwt.encode({"alg": "EdDSA", "typ": "caller+jwt"}, claims, nameless, algorithms=["EdDSA"])
    with pytest.raises(Unauthenticated):
        TOKENS.caller(token)
