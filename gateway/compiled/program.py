"""A compiled plan, and one run of it.

In: the clients, variables and who asks. Out: the answer's bytes. Raises `Surprise` for whatever it cannot say; `sent`
then tells which requests are on their way or answered, so that nobody sends them again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from gateway.client.protocol import WireAnswer, WireClient, WireRequest
from gateway.compiled.documents import Possible
from gateway.compiled.positions import Switches, fetches_in, layout_of
from gateway.compiled.structs import structs_of
from gateway.compiled.writing import written
from gateway.errors import SubgraphFailed
from gateway.execution.caller import Caller
from gateway.execution.sent import Sent
from gateway.plan.nodes import Fetch, SubgraphName
from gateway.plan.query_plan import QueryPlan

_encoder = msgspec.json.Encoder()
_HEAD, _TAIL = b'{"data":', b"}"


class Surprise(Exception):
    """Something that the program cannot say; the generic executor can."""


class _Request(NamedTuple):
    """One fetch's request, as far as it is known before: all but the variables; and how to read its answer."""

    fetch: Fetch
    head: bytes
    names: tuple[bytes, ...]
    read: Callable[[bytes], Any]
    without_variables: bytes


class Program:
    """text: what it does, for people."""

    def __init__(self, plan: QueryPlan, switches: Switches, possible: Possible) -> None:
        layout = layout_of(plan, switches, possible)
        structs = structs_of(layout)
        made = written(layout.node, layout, structs, switches, Surprise)
        self.text = made.text
        self.subgraphs = {fetch.subgraph for fetch in fetches_in(layout.node, switches)}
        self._requests = {
            fetch.id: _request(fetch, structs.answers[fetch.id]) for fetch in fetches_in(layout.node, switches)
        }
        exec(compile(made.text, "<program>", "exec"), made.names)  # noqa: S102 - of names that we made
        self._run: Callable[[Run], Coroutine[Any, Any, bytes]] = made.names["program"]

    async def run(
        self,
        clients: Mapping[SubgraphName, WireClient],
        variables: Mapping[str, object],
        caller: Caller,
        sent: Sent,
    ) -> bytes:
        """The whole answer. Whatever goes wrong is a `Surprise`."""
        run = Run(self._requests, clients, variables, caller, sent)
        try:
            data = await self._run(run)
        except Surprise:
            run.stop()
            raise
        except (msgspec.MsgspecError, SubgraphFailed, TypeError, ValueError, KeyError, AttributeError) as problem:
            # Of what a subgraph sent, or did not send; the generic executor will say what it is.
            run.stop()
            raise Surprise from problem
        return b"%b%b%b" % (_HEAD, data, _TAIL)


class Run:
    """What a program calls while it runs."""

    __slots__ = ("_caller", "_clients", "_requests", "_sent", "_stopped", "_tasks", "_variables")

    def __init__(
        self,
        requests: Mapping[int, _Request],
        clients: Mapping[SubgraphName, WireClient],
        variables: Mapping[str, object],
        caller: Caller,
        sent: Sent,
    ) -> None:
        self._requests, self._clients, self._variables = requests, clients, variables
        self._caller, self._sent = caller, sent
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

    def send(self, number: int, *representations: bytes) -> asyncio.Future[WireAnswer]:
        if self._stopped:
            raise Surprise
        request = self._requests[number]
        body = request.without_variables if not representations and not request.fetch.variables else None
        if body is None:
            body = self._body(request, representations)
        fetch, caller = request.fetch, self._caller
        client = self._clients[fetch.subgraph]
        future = client.send(WireRequest(body, fetch.kind, caller.token(), caller.trace_id, caller.headers))
        self._sent.add(number, body, future)
        return future

    def read(self, number: int, answer: WireAnswer) -> Any:
        found = self._requests[number].read(answer.body)
        if found.errors or found.data is None:
            raise Surprise
        return found.data

    def beside(self, branch: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(branch)
        self._tasks.append(task)
        return task

    def stop(self) -> None:
        """Branches send nothing more; what they wait for goes on."""
        self._stopped = True
        for task in self._tasks:
            task.add_done_callback(_ignored)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _body(self, request: _Request, representations: tuple[bytes, ...]) -> bytes:
        variables = self._variables
        given = {name: variables[name] for name in request.fetch.variables if name in variables}
        parts = [_encoder.encode(given)[1:-1]] if given else []
        parts += [b"%b[%b]" % each for each in zip(request.names, representations, strict=True)]
        return b"%b%b}}" % (request.head, b",".join(parts))


def _request(fetch: Fetch, answer: type[Struct]) -> _Request:
    head = _encoder.encode({"query": fetch.document, "variables": {}})[:-2]
    names = tuple(_encoder.encode(wanted.variable) + b":" for wanted in fetch.inputs)
    return _Request(fetch, head, names, msgspec.json.Decoder(answer).decode, head + b"}}")


def _ignored(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()
