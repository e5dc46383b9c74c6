"""A factory floor behind a gateway on a real socket: machines tell what they do when the test says so.

`floor/supergraph.graphql` is composed of the schemas beside it; `_events` stands in for whatever a machine would send.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection

from gateway.app import Gateway, build_app
from gateway.settings import DeliverySettings, HeaderSettings, HttpSettings, Settings, TokenSettings
from gateway.streams.counters import Counters
from tests.federation.harness.serving import served
from tests.federation.harness.subgraph import DataSubgraph
from tests.gateway.http.test_identity import KEY, token, write_keys
from tests.gateway.http.test_websocket import connected, heard, say

FLOOR = Path(__file__).parent / "floor"
SUPERGRAPH = (FLOOR / "supergraph.graphql").read_text()
NAMES = {f"m{number}": {"__typename": "Machine", "id": f"m{number}", "name": f"Mill {number}"} for number in range(10)}
Json = Any


class Machines(DataSubgraph):
    """Every open stream gets every event; who resumes gets first what came since. `opened`: streams so far."""

    def __init__(self) -> None:
        super().__init__("machines", (FLOOR / "machines.graphql").read_text(), {})
        self.opened = self.open = 0
        self._streams: list[asyncio.Queue[Json]] = []
        self._moves: list[Json] = []

    async def subscribe(self, *arguments: Any) -> AsyncIterator[Json]:
        self.opened += 1
        self.open += 1
        try:
            async for event in super().subscribe(*arguments):
                yield event
        finally:
            self.open -= 1

    async def _events(self, _: Json, info: Any, **arguments: Json) -> AsyncIterator[Json]:
        mine: asyncio.Queue[Json] = asyncio.Queue()
        if after := arguments.get("after"):
            for move in self._moves:
                if int(move["cursor"]) > int(after):
                    mine.put_nowait(move)
        self._streams.append(mine)
        while (event := await mine.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield {info.field_name: event}

    def publish(self, event: Json) -> None:
        for stream in self._streams:
            stream.put_nowait(event)

    def pose(self, machine: str, x: float) -> None:
        self.publish({"machine": {"id": machine}, "x": x})

    def move(self, cursor: int, to: str = "hall") -> None:
        self._moves.append({"cursor": str(cursor), "machine": {"id": "m1"}, "to": to})
        self.publish(self._moves[-1])

    def finish(self) -> None:
        self.publish(None)


class Names(DataSubgraph):
    """`gate`: whoever asks waits until it is open."""

    def __init__(self) -> None:
        super().__init__("names", (FLOOR / "names.graphql").read_text(), {"objects": NAMES})
        self.gate = asyncio.Event()
        self.gate.set()

    async def execute(self, *arguments: Any) -> Json:
        answer = await super().execute(*arguments)
        await self.gate.wait()
        return answer


@dataclass
class Factory:
    app: Starlette
    url: str
    machines: Machines
    names: Names

    @property
    def gateway(self) -> Gateway:
        found: Gateway = self.app.state.gateway
        return found

    @property
    def counters(self) -> Counters:
        return self.gateway.pipeline.streams.counters

    async def has(self, subscriptions: int, upstreams: int) -> None:
        """Wait until so many live."""
        await until(
            lambda: (
                (self.counters.subscriptions, self.machines.open, self.counters.upstreams)
                == (subscriptions, upstreams, upstreams)
            )
        )

    @asynccontextmanager
    async def socket(
        self, subject: str | None = None, tenant: str | None = "t", **claims: Json
    ) -> AsyncIterator[Socket]:
        """A client's socket, in nobody's name or with a token."""
        async with connected(self.url) as connection:
            payload = None if subject is None else bearer(subject, tenant, **claims)
            await say(connection, {"type": "connection_init", **({"payload": payload} if payload else {})})
            assert (await heard(connection))["type"] == "connection_ack"
            yield Socket(connection)


@dataclass
class Socket:
    connection: ClientConnection

    async def ask(self, query: str, name: str = "1", **payload: Json) -> None:
        message = {"id": name, "type": "subscribe", "payload": {"query": query, **payload}}
        await say(self.connection, message)

    async def next(self) -> Json:
        """The data of the next event."""
        message = await heard(self.connection)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (value,) = message["payload"]["data"].values()
        return value

    async def end(self) -> Json:
        """What the stream ended with: None, or the extensions of its error."""
        while (message := await heard(self.connection))["type"] == "next":
            pass
        return message["payload"][0]["extensions"] if message["type"] == "error" else None

    async def complete(self, name: str = "1") -> None:
        await say(self.connection, {"id": name, "type": "complete"})


@asynccontextmanager
async def factory(
    folder: Path | None = None, headers: HeaderSettings | None = None, **delivery: Any
) -> AsyncIterator[Factory]:
    """`folder`: where the keys that callers' tokens are checked with may lie."""
    tokens = TokenSettings()
    if folder is not None:
        write_keys(folder / "keys.json", KEY)
        tokens = TokenSettings(jwks=str(folder / "keys.json"), leeway_s=0)
    settings = Settings(
        development=True,
        tokens=tokens,
        delivery=DeliverySettings(**delivery),
        http=HttpSettings(headers=headers or HeaderSettings()),
    )
    machines, names = Machines(), Names()
    app = build_app(settings, SUPERGRAPH, {"machines": machines, "names": names})  # type: ignore[dict-item]
    async with served(app) as url:
        yield Factory(app, url, machines, names)


def bearer(subject: str, tenant: str | None = "t", lasts_s: float = 60, **claims: Json) -> dict[str, str]:
    said = {"sub": subject, "tenant": tenant, "exp": time.time() + lasts_s, **claims}
    return {"Authorization": f"Bearer {token(said)}"}


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.005)


async def settled() -> None:
    """Long enough for what should not happen to have happened."""
    await asyncio.sleep(0.1)
