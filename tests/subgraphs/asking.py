"""Ask subgraphs as the gateway does: a user token is turned into a signed caller token. For tests.

`Asker.ask` answers the whole response; `data_of` insists that there were no errors.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from subgraphs.serving.in_process import InProcessSubgraph


@dataclass(frozen=True)
class Gateway:
    """The gateway's half of the seam: verifies user tokens and signs caller tokens with the installation's keys."""

    keys: Path

    def caller_token(self, user_token: str) -> str:
        users = KeySet.import_key_set(jwks(self.keys / "tenancy-token.jwks.json"))
        claims = jwt.decode(user_token, users, algorithms=["EdDSA"]).claims
        assert (claims["iss"], claims["aud"]) == ("d2r-tenancy", "d2r")
        own = OKPKey.import_key((self.keys / "caller-token.pem").read_bytes())
        now = int(time.time())
        body = {
            "iss": "gateway",
            "aud": "subgraph",
            "sub": claims["sub"],
            "iat": now,
            "exp": now + 60,
            "claims": {
                name: claims[name] for name in ("tenant", "roles", "scopes", "name", "device") if name in claims
            },
        }
        header = {"alg": "EdDSA", "kid": own.thumbprint(), "typ": "caller+jwt"}
        return jwt.encode(header, body, own, algorithms=["EdDSA"])


def jwks(file: Path) -> Any:
    import json

    return json.loads(file.read_text())


@dataclass(frozen=True)
class Asker:
    """One caller, at one subgraph. Without a user token: nobody."""

    subgraph: InProcessSubgraph
    gateway: Gateway
    user_token: str | None = None

    def as_user(self, user_token: str) -> "Asker":
        return Asker(self.subgraph, self.gateway, user_token)

    async def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        token = None if self.user_token is None else self.gateway.caller_token(self.user_token)
        return await self.subgraph.execute(document, variables, None, token)

    async def data_of(self, document: str, variables: Mapping[str, Any] | None = None) -> Any:
        response = await self.ask(document, variables)
        assert "errors" not in response, response["errors"]
        return response["data"]

    async def entities(self, selection: str, *representations: Mapping[str, Any]) -> dict[str, Any]:
        document = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ __typename {selection} }} }}"
        return await self.ask(document, {"r": list(representations)})
