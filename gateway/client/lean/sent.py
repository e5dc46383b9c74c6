"""One request on its way: what the pool and a connection must know of it, and who is told what becomes of it.

Nobody is told twice, and who has given up is told nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.client.answer_headers import AnswerHeaders
from gateway.client.carrying import Receiver
from gateway.client.protocol import WireAnswer

if TYPE_CHECKING:
    from gateway.client.lean.connection import Connection


class Queue(Protocol):
    def withdrawn(self, sent: Sent) -> None: ...


class Sent:
    """connection: what carries it; none while it waits for one. may_go_again: once more, if that was dead."""

    __slots__ = ("_queue", "_receiver", "body", "connection", "deadline", "head", "is_over", "may_go_again")

    def __init__(self, head: bytes, body: bytes, may_go_again: bool, queue: Queue, receiver: Receiver) -> None:
        self.head, self.body, self.may_go_again = head, body, may_go_again
        self._queue, self._receiver = queue, receiver
        self.connection: Connection | None = None
        self.deadline = 0.0
        self.is_over = False

    def answered(self, answer: WireAnswer, headers: AnswerHeaders) -> None:
        if not self.is_over:
            self.is_over = True
            self._receiver.answered(answer, headers)

    def failed(self, failure: BaseException) -> None:
        if not self.is_over:
            self.is_over = True
            self._receiver.failed(failure)

    def give_up(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        if self.connection is not None:
            self.connection.drop()
        else:
            self._queue.withdrawn(self)
