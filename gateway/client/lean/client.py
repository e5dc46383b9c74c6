"""The lean client: a request to a subgraph is written before `carry` returns, and no task is made for it.

`LeanTransport` belongs to the application and owns every connection; a `LeanClient` is one subgraph's way in. A query
whose kept connection turns out to be dead before a byte of its answer came is sent once more; a mutation never is.
"""

from __future__ import annotations

import ssl

from msgspec import Struct

from gateway.client.carrying import Receiver
from gateway.client.lean.pool import Pool, PoolSettings
from gateway.client.lean.reader import AnswerLimits
from gateway.client.lean.sent import Sent
from gateway.client.lean.target import target_of
from gateway.client.protocol import WireRequest
from gateway.client.request_headers import Pairs, own_lines
from gateway.plan.nodes import SubgraphName


class LeanSettings(Struct, frozen=True):
    """As `settings.SubgraphSettings` has them, for all subgraphs."""

    max_connections: int = 200
    idle_s: float = 4.0
    accepts_compressed: bool = False
    tls: ssl.SSLContext | None = None


class LeanClient:
    def __init__(self, name: SubgraphName, head: bytes, pool: Pool) -> None:
        self.name = name
        self.pool = pool
        self._head = head

    def carry(self, request: WireRequest, passed: Pairs, receiver: Receiver) -> Sent:
        body = request.body
        lines = own_lines(self.name, request, passed)
        head = b"%b%d%b\r\n\r\n" % (self._head, len(body), lines)
        sent = Sent(head, body, request.kind == "query", self.pool, receiver)
        self.pool.send(sent)
        return sent


class LeanTransport:
    """Pools by subgraph, address and bounds, so that a new supergraph finds the connections of the old one."""

    def __init__(self, settings: LeanSettings) -> None:
        self._settings = settings
        self._clients: dict[tuple[SubgraphName, str, float, int], LeanClient] = {}
        self.pools: list[Pool] = []

    def client(self, name: SubgraphName, url: str, timeout_s: float, max_answer_bytes: int) -> LeanClient:
        key = (name, url, timeout_s, max_answer_bytes)
        found = self._clients.get(key)
        if found is None:
            settings = self._settings
            target = target_of(name, url, settings.accepts_compressed)
            tls = (settings.tls or ssl.create_default_context()) if target.tls else None
            limits = AnswerLimits(max_answer_bytes)
            pool = Pool(name, target, PoolSettings(timeout_s, settings.max_connections, settings.idle_s, limits, tls))
            self.pools.append(pool)
            found = self._clients[key] = LeanClient(name, target.head, pool)
        return found

    async def close(self) -> None:
        for pool in self.pools:
            await pool.close()
