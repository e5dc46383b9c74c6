"""How a request gets to a subgraph and back where a guard stands before it: no future and no task between the two.

`carry` puts a request on its way; its `Receiver` is told what becomes of it, once, by whoever read the answer's last
byte. `Awaited` is a receiver that can be awaited, for who has no guard.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from gateway.client.answer_headers import AnswerHeaders
from gateway.client.protocol import WireAnswer, WireRequest
from gateway.client.request_headers import Pairs, passed_headers
from gateway.errors import SubgraphFailed
from gateway.plan.nodes import SubgraphName


class Receiver(Protocol):
    """Told one of the two, once, and never before `carry` has returned."""

    def answered(self, answer: WireAnswer, headers: AnswerHeaders) -> None: ...

    def failed(self, failure: BaseException) -> None: ...


class Carried(Protocol):
    """One request on its way."""

    def give_up(self) -> None:
        """Nobody wants the answer any more: the request ends upstream, and its receiver hears nothing."""


class Carrier(Protocol):
    """`passed`: headers that go with the request beside those that it names itself.

    Raises `SubgraphFailed` where nothing was sent and nothing will be.
    """

    name: SubgraphName

    def carry(self, request: WireRequest, passed: Pairs, receiver: Receiver) -> Carried: ...


class Awaited(asyncio.Future[WireAnswer]):
    """The answer to come; cancelling it ends the request upstream."""

    request: WireRequest
    subgraph: SubgraphName
    carried: Carried | None = None

    def answered(self, answer: WireAnswer, headers: AnswerHeaders) -> None:
        if self.request.headers is not None:
            self.request.headers.from_subgraph(self.subgraph, headers)
        self.set_result(answer)

    def failed(self, failure: BaseException) -> None:
        self.set_exception(failure)

    def cancel(self, msg: object | None = None) -> bool:
        if not super().cancel(msg):
            return False
        if self.carried is not None:
            self.carried.give_up()
        return True


def awaited(carrier: Carrier, request: WireRequest) -> Awaited:
    found = Awaited()
    found.request, found.subgraph = request, carrier.name
    try:
        found.carried = carrier.carry(request, passed_headers(carrier.name, request.headers), found)
    except SubgraphFailed as failure:
        found.set_exception(failure)
    return found
