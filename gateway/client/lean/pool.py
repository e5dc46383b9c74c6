"""The connections to one subgraph: few, kept, given out newest first; who finds none waits in order.

In: requests. Out: each on a connection of its own, or failed. One timer looks over everything that has a deadline,
instead of one for each request: it runs only while there is something to look over, and may be late by a twentieth.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque

from msgspec import Struct

from gateway.client.errors import TimedOut, Unreachable
from gateway.client.lean.connection import Connection
from gateway.client.lean.reader import AnswerLimits
from gateway.client.lean.sent import Sent
from gateway.client.lean.target import Target
from gateway.errors import SubgraphFailed

_LONGEST_TICK_S = 0.25
_SHORTEST_TICK_S = 0.005


class PoolSettings(Struct, frozen=True):
    """timeout_s: from sending to the last byte of the answer, waiting and connecting included.

    idle_s: how long a connection may be kept unused. tls: how to trust who answers, where the URL is https.
    """

    timeout_s: float
    max_connections: int
    idle_s: float
    limits: AnswerLimits
    tls: ssl.SSLContext | None = None


class PoolState(Struct, frozen=True):
    """What a pool holds now. watched: its timer runs."""

    connections: int
    idle: int
    dialling: int
    waiting: int
    watched: bool


class Pool:
    def __init__(self, subgraph: str, target: Target, settings: PoolSettings) -> None:
        self.subgraph = subgraph
        self._target = target
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        # Those that have no connection yet, with their deadlines; and, since the loop does not, all that hold a task.
        self._dials: dict[asyncio.Task[None], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: deque[Sent] = deque()
        # Those whose kept connection was dead: only a new connection will do, and they waited already.
        self._again: deque[Sent] = deque()
        self._tick_s = min(_LONGEST_TICK_S, max(_SHORTEST_TICK_S, min(settings.timeout_s, settings.idle_s) / 20))
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def state(self) -> PoolState:
        waiting = len(self._waiting) + len(self._again)
        return PoolState(len(self._open), len(self._idle), len(self._dials), waiting, self._timer is not None)

    def send(self, sent: Sent) -> None:
        """Raises `Unreachable` once the pool is closed."""
        sent.deadline = self._loop.time() + self._settings.timeout_s
        while self._idle:
            if self._idle.pop().begin(sent):
                return
        if self._closed:
            raise Unreachable(self.subgraph, "the gateway is stopping")
        self._waiting.append(sent)
        self._dial()

    def opened(self, connection: Connection) -> None:
        if connection.dial is not None:
            # From here on the task must not be cancelled: that would close the connection.
            self._dials.pop(connection.dial, None)
            connection.dial = None
        self._open.add(connection)
        waiting = self._again or self._waiting
        if not waiting:
            self._keep(connection)
            return
        first = waiting.popleft()
        if not connection.begin(first):
            first.failed(Unreachable(self.subgraph, "it spoke, or hung up, before it was asked"))

    def released(self, connection: Connection) -> None:
        if not self._waiting:
            self._keep(connection)
        elif connection.begin(self._waiting[0]):
            self._waiting.popleft()

    def _keep(self, connection: Connection) -> None:
        connection.idle_since = self._loop.time()
        self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._dial()

    def again(self, sent: Sent) -> None:
        self._again.append(sent)
        self._dial()

    def withdrawn(self, sent: Sent) -> None:
        """Nobody wants it any more, and it still waits; nor is the connection wanted that was to come for it."""
        for waiting in (self._again, self._waiting):
            if sent in waiting:
                waiting.remove(sent)
        surplus = len(self._dials) - len(self._waiting) - len(self._again)
        for dial in list(self._dials)[-surplus:] if surplus > 0 else ():
            dial.cancel()

    def _dial(self) -> None:
        """As many connections as are waited for, and allowed."""
        if self._closed:
            return
        wanted = len(self._waiting) + len(self._again) - len(self._dials)
        allowed = self._settings.max_connections - len(self._open) - len(self._dials)
        for _ in range(min(wanted, allowed)):
            task = self._loop.create_task(self._connect())
            self._tasks.add(task)
            self._dials[task] = self._loop.time() + self._settings.timeout_s
            task.add_done_callback(self._dialled)
        if self._timer is None:
            self._timer = self._loop.call_later(self._tick_s, self._look_over)

    async def _connect(self) -> None:
        dial = asyncio.current_task()
        target, settings = self._target, self._settings

        def connection() -> Connection:
            return Connection(self, self.subgraph, settings.limits, target.tls, dial)

        if target.socket_path is not None:
            await self._loop.create_unix_connection(connection, target.socket_path)
        else:
            tls = settings.tls if target.tls else None
            await self._loop.create_connection(connection, target.host, target.port, ssl=tls)

    def _dialled(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        came_to_nothing = self._dials.pop(task, None) is not None
        error = None if task.cancelled() else task.exception()
        waiting = self._again or self._waiting
        if came_to_nothing and waiting and not task.cancelled():
            # One failure for one that waits: the others have dials of their own, or get one now.
            reason = str(error) or type(error).__name__
            waiting.popleft().failed(Unreachable(self.subgraph, reason))
        self._dial()

    def _look_over(self) -> None:
        now = self._loop.time()
        for connection in list(self._open):
            if connection.sent is None:
                if connection.idle_since + self._settings.idle_s <= now:
                    connection.drop()
            elif connection.sent.deadline <= now:
                connection.fail(self._late())
        for waiting in (self._again, self._waiting):
            while waiting and waiting[0].deadline <= now:
                waiting.popleft().failed(self._late())
        for dial, deadline in list(self._dials.items()):
            if deadline <= now:
                dial.cancel()
        busy = self._open or self._dials or self._waiting or self._again
        self._timer = self._loop.call_later(self._tick_s, self._look_over) if busy else None

    def _late(self) -> SubgraphFailed:
        return TimedOut(self.subgraph, self._settings.timeout_s)

    async def close(self) -> None:
        """Hang up everywhere; what is under way fails."""
        self._closed = True
        failure = Unreachable(self.subgraph, "the gateway is stopping")
        for waiting in (self._again, self._waiting):
            while waiting:
                waiting.popleft().failed(failure)
        for connection in list(self._open):
            connection.fail(failure)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
