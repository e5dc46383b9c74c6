"""Who asks, between gateway and subgraph: nobody but the gateway can say it, whatever a client sends along."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import Key, KeySet, OKPKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.app import build_app
from gateway.settings import HeaderSettings, HttpSettings, RequestRule, Settings, SubgraphSettings, TokenSettings
from subgraphs.serving.caller_token import CallerTokens
from subgraphs.serving.errors import Unauthenticated
from tests.federation.harness.serving import served
from tests.federation.harness.suite import suite_named
from tests.gateway.http.keys import write_keys

TENANT, ADA, EVE = (f"01890000-0000-7000-8000-00000000000{number}" for number in (1, 2, 3))
ISSUER = OKPKey.generate_key("Ed25519", {"kid": "issuer"})
GATEWAY = OKPKey.generate_key("Ed25519")
OTHER_GATEWAY = OKPKey.generate_key("Ed25519")
ASKED = {"query": "{ me { name } }"}


def named(key: Key) -> Key:
    return OKPKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})


def caller_token(key: Key, user: str = EVE, **other: Any) -> str:
    now = int(time.time())
    claims = {"iss": "gateway", "aud": "subgraph", "sub": user, "iat": now, "exp": now + 60}
    header = {"alg": "EdDSA", "typ": "caller+jwt", "kid": key.thumbprint()}
    return jwt.encode(header, {**claims, "claims": {"tenant": TENANT}, **other}, key, algorithms=["EdDSA"])


def user_token(user: str = ADA) -> str:
    claims = {"sub": user, "tenant": TENANT, "exp": int(time.time()) + 60}
    return jwt.encode({"alg": "EdDSA", "kid": "issuer"}, claims, ISSUER, algorithms=["EdDSA"])


class Subgraph:
    """Believes the gateway's key. `callers`: whom it heard, or why not."""

    def __init__(self) -> None:
        public = KeySet([named(GATEWAY)]).as_dict(private=False)
        self.tokens = CallerTokens(public)  # type: ignore[arg-type]
        self.callers: list[str | None] = []

    async def answer(self, request: Request) -> JSONResponse:
        shown = request.headers.getlist("caller-token")
        assert len(shown) <= 1
        try:
            caller = self.tokens.caller(shown[0] if shown else None)
        except Unauthenticated:
            self.callers.append("refused")
        else:
            self.callers.append(None if caller is None else str(caller.user))
        return JSONResponse({"data": {"me": {"name": "x"}}})


@asynccontextmanager
async def running(folder: Path, subgraph: Subgraph, key: Key = GATEWAY) -> AsyncIterator[aiohttp.ClientSession]:
    write_keys(folder / "keys.json", ISSUER)
    (folder / "caller.pem").write_bytes(key.as_pem(private=True))
    everything = HttpSettings(headers=HeaderSettings(requests=(RequestRule(matching=".*"),)))
    async with served(Starlette(routes=[Route("/", subgraph.answer, methods=["POST"])])) as url:
        suite = suite_named("shop")
        subgraphs = SubgraphSettings(urls=dict.fromkeys(suite.subgraphs, url), caller_key=folder / "caller.pem")
        settings = Settings(subgraphs=subgraphs, tokens=TokenSettings(jwks=str(folder / "keys.json")))
        app = build_app(msgspec.structs.replace(settings, http=everything), suite.supergraph)
        async with served(app) as gateway, aiohttp.ClientSession(gateway) as session:
            yield session


@pytest.mark.parametrize("name", ["Caller-Token", "caller-token", "CALLER-TOKEN"])
@pytest.mark.parametrize("signs_in", [True, False])
async def test_a_caller_token_of_a_client_never_gets_through(tmp_path: Path, name: str, signs_in: bool) -> None:
    subgraph = Subgraph()
    async with running(tmp_path, subgraph) as session:
        # As if a real one had leaked, and were replayed at the front door.
        headers = {name: caller_token(GATEWAY), "X-GraphQL-Preflight": "1"}
        if signs_in:
            headers["Authorization"] = f"Bearer {user_token()}"
        assert (await session.post("/graphql", json=ASKED, headers={**headers, "X-Preflight": "1"})).status == 200
    assert subgraph.callers == [ADA if signs_in else None]


async def test_another_gateway_s_word_is_not_believed(tmp_path: Path) -> None:
    subgraph = Subgraph()
    async with running(tmp_path, subgraph, OTHER_GATEWAY) as session:
        headers = {"Authorization": f"Bearer {user_token()}", "X-Preflight": "1"}
        await session.post("/graphql", json=ASKED, headers=headers)
    assert subgraph.callers == ["refused"]


FORGED = {
    "another key": caller_token(OTHER_GATEWAY),
    "another key under the gateway's id": jwt.encode(
        {"alg": "EdDSA", "typ": "caller+jwt", "kid": GATEWAY.thumbprint()},
        {"iss": "gateway", "aud": "subgraph", "sub": EVE, "iat": int(time.time()), "exp": int(time.time()) + 60},
        OTHER_GATEWAY,
        algorithms=["EdDSA"],
    ),
    "the user's own token": user_token(),
    "for somebody else": caller_token(GATEWAY, aud="other"),
    "from somebody else": caller_token(GATEWAY, iss="other"),
    "of yesterday": caller_token(GATEWAY, iat=1, exp=61),
    "of tomorrow": caller_token(GATEWAY, iat=int(time.time()) + 3600, exp=int(time.time()) + 3660),
    "other claims": ".".join(
        (caller_token(GATEWAY, ADA).split(".")[0], caller_token(GATEWAY, EVE).split(".")[1], "AAAA")
    ),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_sent_past_the_gateway_is_refused(name: str) -> None:
    subgraph = Subgraph()
    async with (
        served(Starlette(routes=[Route("/", subgraph.answer, methods=["POST"])])) as url,
        aiohttp.ClientSession() as session,
    ):
        await session.post(url, json=ASKED, headers={"Caller-Token": caller_token(GATEWAY, ADA)})
        await session.post(url, json=ASKED, headers={"Caller-Token": FORGED[name]})
    assert subgraph.callers == [ADA, "refused"]
