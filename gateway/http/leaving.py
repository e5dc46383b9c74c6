"""A client that hangs up ends its query, and with it every request to subgraphs.

In: a request and the work for it. Out: the work's result; `ClientLeft` for who went away, once the work has ended.
A request that came whole hears of it at once. Else listening takes a task of its own, which costs more than a small
answer: it begins when an answer has taken a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

from gateway.errors import GatewayError
from gateway.http.whole_exchange import WholeExchange, whole_exchange

_LISTENS_AFTER_S = 0.1
Answer = TypeVar("Answer")


class ClientLeft(GatewayError):
    """Nobody waits for this answer any more."""


async def until_client_leaves(request: Request, work: Awaitable[Answer]) -> Answer:
    exchange = whole_exchange(request.scope)
    if exchange is not None and exchange.has_left:
        if asyncio.iscoroutine(work):
            work.close()
        raise ClientLeft
    listener = _Listener(request) if exchange is None else _Told(exchange)
    try:
        return await work
    except asyncio.CancelledError:
        # Who else cancels this task does it for another reason.
        if listener.heard and listener.task.uncancel() == 0:
            raise ClientLeft from None
        raise
    finally:
        listener.stop()


class _Hearing:
    """Cancels the task that made it when the client leaves."""

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.heard = False

    def leave(self) -> None:
        self.heard = True
        self.task.cancel()


class _Told(_Hearing):
    """By the connection."""

    def __init__(self, exchange: WholeExchange) -> None:
        super().__init__()
        self._exchange = exchange
        exchange.tell(self.leave)

    def stop(self) -> None:
        self._exchange.tell(None)


class _Listener(_Hearing):
    """By a task that waits for ASGI's word of it."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._request = request
        self._listening: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(_LISTENS_AFTER_S, self._begin)

    def stop(self) -> None:
        self._timer.cancel()
        if self._listening is not None:
            self._listening.remove_done_callback(self._ended)
            self._listening.cancel()
            # A cancelled task keeps its traceback, and that this object: only a collection would end such a circle.
            self._listening = None

    def _begin(self) -> None:
        self._listening = asyncio.create_task(self._listen())
        self._listening.add_done_callback(self._ended)

    async def _listen(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass

    def _ended(self, listening: asyncio.Task[None]) -> None:
        if not listening.cancelled() and listening.exception() is None:
            self.leave()
