"""A graph of two subgraphs of which not everybody may see everything, served over real sockets, and its callers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp

from gateway.app import build_app
from gateway.caller_access import Evaluate
from gateway.composition.compose import compose
from gateway.settings import AccessSettings, Settings, SubgraphSettings, TokenSettings
from tests.federation.harness.serving import app_of, served
from tests.federation.harness.subgraph import DataSubgraph
from tests.gateway.composition.refused import linked, sources_of
from tests.gateway.http.test_identity import KEY, token, write_keys

PEOPLE = """
type Query {
  me: User @authenticated
  user(id: ID!): User
  users: [User!]!
  nobody: [User!]!
  log: Log! @requiresScopes(scopes: [["audit", "read"], ["admin"]])
  found: [Found]
  animals: [Animal!]
  secret: Secret
}
type Mutation {
  promote(id: ID!): User @policy(policies: [["staff", "here"]])
  greet(id: ID!): User
}
type Subscription {
  joined: User
  secrets: Secret
}
type User @key(fields: "id") {
  id: ID!
  name: String
  email: String @requiresScopes(scopes: [["email"]])
  badge: Badge! @authenticated
  role: Role
  friend: User
}
type Badge { number: Int! }
enum Role @authenticated { BOSS HAND }
type Log { lines: [String!] }
union Found = User | Secret
type Secret @requiresScopes(scopes: [["secret"]]) { title: String }
interface Animal { name: String }
type Dog implements Animal { name: String trick: String @authenticated }
type Cat implements Animal { name: String lives: Int }
"""
REVIEWS = """
type User @key(fields: "id") {
  id: ID!
  email: String @external
  score: String @requires(fields: "email") @requiresScopes(scopes: [["email"]])
  reviews: [Review!]!
}
type Review { stars: Int hidden: String! @authenticated note: String @authenticated }
"""
DATA: Mapping[str, Any] = {
    "people": {
        "Query": {
            "me": "@ada",
            "user": {"$find": "id"},
            "users": ["@ada", "@ben"],
            "nobody": [],
            "log": {"lines": ["one"]},
            "found": ["@ada", "@x"],
            "animals": ["@rex", "@tom"],
            "secret": "@x",
        },
        "Mutation": {"promote": {"$find": "id"}, "greet": {"$find": "id"}},
        "Subscription": {"joined": ["@ada", "@ben"], "secrets": ["@x"]},
        "objects": {
            "ada": {
                "__typename": "User",
                "id": "1",
                "name": "Ada",
                "email": "a@x",
                "badge": {"number": 7},
                "role": "BOSS",
                "friend": "@ben",
            },
            "ben": {"__typename": "User", "id": "2", "name": "Ben", "email": "b@x", "badge": {"number": 8}},
            "x": {"__typename": "Secret", "title": "X"},
            "rex": {"__typename": "Dog", "name": "Rex", "trick": "sit"},
            "tom": {"__typename": "Cat", "name": "Tom", "lives": 9},
        },
    },
    "reviews": {
        "objects": {
            "1": {
                "__typename": "User",
                "id": "1",
                "score": {"$text": "of {email}"},
                "reviews": [{"stars": 5, "hidden": "h", "note": "n"}],
            },
            "2": {"__typename": "User", "id": "2", "score": {"$text": "of {email}"}, "reviews": []},
        }
    },
}
TEXTS = {"people": PEOPLE, "reviews": REVIEWS}


@cache
def supergraph() -> str:
    text = compose(sources_of(TEXTS)).supergraph
    assert text is not None
    return text


@dataclass
class Guarded:
    """The running gateway: a session to it, its address, and its subgraphs."""

    session: aiohttp.ClientSession
    url: str
    subgraphs: dict[str, DataSubgraph]
    app: Any

    async def ask(self, query: str, caller: Mapping[str, str] | None = None, **more: Any) -> Any:
        headers = {"Accept": "application/json", **(caller or {})}
        async with self.session.post("/graphql", json={"query": query, **more}, headers=headers) as response:
            return await response.json()

    @property
    def asked(self) -> list[str]:
        """The documents that subgraphs got."""
        return [each.document for subgraph in self.subgraphs.values() for each in subgraph.asked]


def caller(scope: str | None = None, subject: str = "ada", lasts_s: float = 60, **claims: Any) -> dict[str, str]:
    """The header of who has this token."""
    given = {"iss": "d2r", "aud": "api", "sub": subject, "exp": time.time() + lasts_s, "tenant": "t", **claims}
    return {"Authorization": f"Bearer {token(given | ({} if scope is None else {'scope': scope}))}"}


@asynccontextmanager
async def guarded(
    folder: Path, evaluate: Evaluate | None = None, text: str | None = None, **settings: Any
) -> AsyncIterator[Guarded]:
    write_keys(folder / "keys.json", KEY)
    subgraphs = {name: DataSubgraph(name, linked(sdl), DATA[name]) for name, sdl in TEXTS.items()}
    async with served(app_of(subgraphs)) as subgraphs_url:
        urls = {name: f"{subgraphs_url}/{name}" for name in subgraphs}
        tokens = TokenSettings(jwks=str(folder / "keys.json"), issuer="d2r", audience="api", leeway_s=0)
        chosen = {"tokens": tokens, "subgraphs": SubgraphSettings(urls=urls), **settings}
        app = build_app(Settings(**chosen), text or supergraph(), evaluate=evaluate)
        async with served(app) as url, aiohttp.ClientSession(url) as session:
            yield Guarded(session, url, subgraphs, app)


REJECTS = AccessSettings(mode="reject")


def denied(*paths: str) -> list[dict[str, Any]]:
    """The errors for these paths, with dots between the steps."""
    return [
        {
            "message": "Unauthorized field or type",
            "path": path.split("."),
            "extensions": {"code": "UNAUTHORIZED_FIELD_OR_TYPE"},
        }
        for path in paths
    ]
