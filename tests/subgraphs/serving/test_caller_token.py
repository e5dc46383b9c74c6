"""Every way in which a caller token may be wrong, and the one in which it is right."""

import time

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


NOW = int(time.time())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "not a token",
        "a.b.c",
        unsigned(),
        signed_with_the_public_key_as_a_secret(),
        altered(),
        caller_token(key=STRANGER),
        caller_token(header={"kid": "gateway-2"}),
        caller_token(header={"typ": "JWT"}),
        caller_token(iss="somebody"),
        caller_token(aud="d2r"),
        caller_token(iat=NOW - 120, exp=NOW - 60),
        caller_token(iat=NOW + 600, exp=NOW + 660),
        caller_token(exp=None),
        caller_token(exp="later"),
        caller_token(sub="nobody"),
        caller_token(claims={}),
        caller_token(claims={"tenant": "mine"}),
        caller_token(claims="all"),
        caller_token(claims={"tenant": str(TENANT), "scopes": 7}),
    ],
)
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        TOKENS.caller(token)


def test_a_token_without_a_key_name_is_refused_even_when_the_key_is_right() -> None:
    claims = {"iss": "gateway", "aud": "subgraph", "sub": str(USER), "iat": NOW, "exp": NOW + 60}
    whole = GATEWAY_KEY.as_dict(private=True)
    nameless = OKPKey.import_key({part: value for part, value in whole.items() if part != "kid"})
    token = jwt.encode({"alg": "EdDSA", "typ": "caller+jwt"}, claims, nameless, algorithms=["EdDSA"])
    with pytest.raises(Unauthenticated):
        TOKENS.caller(token)
