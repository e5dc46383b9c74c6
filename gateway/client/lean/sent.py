"""One request on its way: the future that its sender awaits, and all that the pool must know of it.

They are one object because a request is made by the thousand a second. Cancelling it hangs up at once; that is noticed
in `cancel` itself, since a callback on every future would be paid by each request that nobody cancels.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from gateway.client.protocol import HeaderExchange, WireAnswer

if TYPE_CHECKING:
    from gateway.client.lean.connection import Connection


class Queue(Protocol):
    def withdrawn(self, sent: Sent) -> None: ...


class Sent(asyncio.Future[WireAnswer]):
    """connection: what carries it; none while it waits for one. may_go_again: once more, if that was dead."""

    __slots__ = ("body", "connection", "deadline", "exchange", "head", "may_go_again", "queue")

    body: bytes
    connection: Connection | None
    deadline: float
    exchange: HeaderExchange | None
    head: bytes
    may_go_again: bool
    queue: Queue

    def cancel(self, msg: object | None = None) -> bool:
        if not super().cancel(msg):
            return False
        if self.connection is not None:
            self.connection.drop()
        else:
            self.queue.withdrawn(self)
        return True
