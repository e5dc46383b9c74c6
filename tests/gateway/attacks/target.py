"""A gateway under attack, called without a network between, so that what is measured is its own work.

In: requests. Out: status, answer, CPU time of this thread, and at will the most memory that was held meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from gateway.app import build_app
from gateway.composition.compose import compose
from gateway.settings import Settings
from tests.federation.harness.subgraph import DataSubgraph
from tests.gateway.composition.refused import linked, sources_of

TEXTS = {
    "people": """
        type Query {
          user(id: ID!): User
          users(first: Int = 10): [User!]! @listSize(slicingArguments: ["first"])
          piece: Piece
          search(filter: Filter, ids: [ID!], number: Int, text: String, secretArgument: Int): [User!]
        }
        type Mutation { rename(id: ID!, name: String!): User }
        input Filter { name: String and: [Filter!] not: Filter in: [Int!] secretInput: Colour }
        enum Colour { RED SECRET_COLOUR }
        interface Named { name: String }
        interface Piece { id: ID! next: Piece }
        type Bolt implements Piece { id: ID! next: Piece bolt: String }
        type Nut implements Piece { id: ID! next: Piece nut: String }
        type Rod implements Piece { id: ID! next: Piece rod: String }
        type User implements Named @key(fields: "id") {
          id: ID!
          name: String
          secretField: String
          friends(first: Int = 5): [User!]! @listSize(slicingArguments: ["first"])
          boss: User
          homes: [Home!]
        }
        type Home @key(fields: "id") { id: ID! owner: User street: String }
    """,
    "posts": """
        type User @key(fields: "id") { id: ID! posts(first: Int = 5): [Post!]! @listSize(slicingArguments: ["first"]) }
        type Post @key(fields: "id") { id: ID! author: User title: String }
    """,
    "homes": """
        type Home @key(fields: "id") { id: ID! rooms: Int neighbours: [User!] }
        type User @key(fields: "id") { id: ID! age: Int }
        type Post @key(fields: "id") { id: ID! place: Home }
    """,
}


@dataclass
class Request:
    """`body`: JSON, or bytes as they are."""

    body: Any = b""
    method: str = "POST"
    path: str = "/graphql"
    query_string: bytes = b""
    headers: Sequence[tuple[str, str]] = ()


@dataclass
class Outcome:
    status: int
    body: bytes
    cpu_ms: float
    memory_mb: float
    fetches: int

    @property
    def answer(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> set[str]:
        answers = self.answer if isinstance(self.answer, list) else [self.answer]
        return {error["extensions"]["code"] for answer in answers for error in answer.get("errors", ())}


@cache
def supergraph() -> str:
    text = compose(sources_of(TEXTS)).supergraph
    assert text is not None
    return text


class Target:
    def __init__(self, app: Any, subgraphs: dict[str, DataSubgraph]) -> None:
        self._app = app
        self._subgraphs = subgraphs

    @property
    def pipeline(self) -> Any:
        return self._app.state.gateway.pipeline

    async def attack(self, request: Request, weighs: bool = False) -> Outcome:
        body = request.body if isinstance(request.body, bytes) else json.dumps(request.body).encode()
        gc.collect()
        before = sum(len(each.asked) for each in self._subgraphs.values())
        if weighs:
            tracemalloc.start()
        began = time.thread_time()
        status, answer = await self._called(request, body)
        cpu_ms = (time.thread_time() - began) * 1000
        memory_mb = tracemalloc.get_traced_memory()[1] / 2**20 if weighs else 0.0
        if weighs:
            tracemalloc.stop()
        fetches = sum(len(each.asked) for each in self._subgraphs.values()) - before
        return Outcome(status, answer, cpu_ms, memory_mb, fetches)

    async def _called(self, request: Request, body: bytes) -> tuple[int, bytes]:
        usual = {"accept": "application/json"}
        if request.method == "POST":
            usual["content-type"] = "application/json"
        headers = {**usual, **dict(request.headers)}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "http_version": "1.1", "method": request.method, "path": request.path}
        scope |= {"query_string": request.query_string, "headers": raw, "scheme": "http", "root_path": ""}
        scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {}}
        waiting = [{"type": "http.request", "body": body, "more_body": False}]
        parts: list[dict[str, Any]] = []

        async def receive() -> Any:
            if waiting:
                return waiting.pop()
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            parts.append(message)

        await self._app(scope, receive, send)
        return parts[0]["status"], b"".join(part.get("body", b"") for part in parts[1:])


@asynccontextmanager
async def target(settings: Settings) -> AsyncIterator[Target]:
    """Outside development and without a page for browsers, unless the settings say otherwise."""
    subgraphs = {name: DataSubgraph(name, linked(sdl), {"Query": {}}) for name, sdl in TEXTS.items()}
    http = msgspec.structs.replace(settings.http, compresses_from=None)
    app = build_app(msgspec.structs.replace(settings, explorer=False, http=http), supergraph(), subgraphs)
    async with app.router.lifespan_context(app):
        # As where it serves: what other tests left behind is not looked through again and again.
        gc.freeze()
        yield Target(app, subgraphs)
