"""A compiled plan, and one run of it.

In: the clients, variables and who asks. Out: the answer's bytes. Subgraphs on the wire are asked by bytes, those in
this process by values. Raises `Surprise` for whatever it cannot say; `sent`
then tells which requests are on their way or answered, so that nobody sends them again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from functools import partial
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from gateway.client.operation_scope import OperationScope
from gateway.client.protocol import HostedClient, SubgraphRequest, WireAnswer, WireClient, WireRequest
from gateway.compiled.documents import Possible
from gateway.compiled.positions import Switches, fetches_in, layout_of
from gateway.compiled.repeated import Counts
from gateway.compiled.repeated import mark as mark_repeated
from gateway.compiled.structs import structs_of
from gateway.compiled.writing import written
from gateway.errors import SubgraphFailed
from gateway.execution.caller import Caller
from gateway.execution.sent import Answer, Sent
from gateway.plan.nodes import Fetch, SubgraphName
from gateway.plan.query_plan import QueryPlan

_encoder = msgspec.json.Encoder()
Clients = Mapping[SubgraphName, WireClient | HostedClient]


class Surprise(Exception):
    """Something that the program cannot say; the generic executor can."""


class _Request(NamedTuple):
    """One fetch's request, as far as it is known before: all but the variables; and how to read its answer."""

    fetch: Fetch
    head: bytes
    names: tuple[bytes, ...]
    read: Callable[[Any], Any]
    without_variables: bytes
    hosted: bool


class Program:
    """text: what it does, for people. subgraphs: those it asks; `hosted`: those that are in this process.

    unlike: the positions at which objects were seen not to repeat. counts, runs: how often they did elsewhere, in how
    many runs.
    """

    def __init__(
        self,
        plan: QueryPlan,
        switches: Switches,
        possible: Possible,
        hosted: Collection[str] = frozenset(),
        unlike: frozenset[int] = frozenset(),
    ) -> None:
        layout = layout_of(plan, switches, possible)
        mark_repeated(layout, hosted, unlike)
        structs = structs_of(layout, hosted)
        self.unlike, self.counts, self.runs = unlike, Counts(), 0
        made = written(layout, structs, switches, self.counts, Surprise)
        self.text = made.text
        fetches = list(fetches_in(layout.node, switches))
        self.subgraphs = {fetch.subgraph for fetch in fetches}
        self._requests = {
            fetch.id: _request(fetch, structs.answers[fetch.id], fetch.subgraph in hosted) for fetch in fetches
        }
        exec(compile(made.text, "<program>", "exec"), made.names)  # noqa: S102 - of names that we made
        self._run: Callable[[Run], Coroutine[Any, Any, bytes]] = made.names["program"]

    async def run(
        self,
        clients: Clients,
        variables: Mapping[str, object],
        caller: Caller,
        sent: Sent,
        scope: OperationScope | None = None,
    ) -> bytes:
        """The whole answer. Whatever goes wrong is a `Surprise`."""
        self.runs += 1
        run = Run(self._requests, clients, variables, caller, sent, scope)
        try:
            # What it waits for wakes a task of its own, and not all the calls that led here, one inside the other.
            return await asyncio.create_task(self._run(run))
        except Surprise:
            run.stop()
            raise
        except (msgspec.MsgspecError, SubgraphFailed, TypeError, ValueError, KeyError, AttributeError) as problem:
            # Of what a subgraph sent, or did not send; the generic executor will say what it is.
            run.stop()
            raise Surprise from problem


class Run:
    """What a program calls while it runs."""

    __slots__ = ("_caller", "_clients", "_requests", "_scope", "_sent", "_stopped", "_tasks", "_variables")

    def __init__(
        self,
        requests: Mapping[int, _Request],
        clients: Clients,
        variables: Mapping[str, object],
        caller: Caller,
        sent: Sent,
        scope: OperationScope | None,
    ) -> None:
        self._requests, self._clients, self._variables = requests, clients, variables
        self._caller, self._sent, self._scope = caller, sent, scope
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = False

    def send(self, number: int, *representations: bytes) -> asyncio.Future[Answer]:
        if self._stopped:
            raise Surprise
        request = self._requests[number]
        body = request.without_variables if not representations and not request.fetch.variables else None
        if body is None:
            body = self._body(request, representations)
        fetch, caller = request.fetch, self._caller
        client: Any = self._clients[fetch.subgraph]
        token, trace_id, headers = caller.token(), caller.trace_id, caller.headers
        future: asyncio.Future[Any]
        if request.hosted:
            variables = msgspec.json.decode(body)["variables"]
            future = asyncio.ensure_future(
                client.values(
                    SubgraphRequest(
                        fetch.document, variables, token, trace_id, self._scope, headers, fetch.kind, number
                    )
                )
            )
        else:
            future = client.send(WireRequest(body, fetch.kind, token, trace_id, headers, number))
        self._sent.add(number, body, future)
        return future

    def read(self, number: int, answer: Answer) -> Any:
        found = self._requests[number].read(answer)
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


def _request(fetch: Fetch, answer: type[Struct], hosted: bool) -> _Request:
    head = _encoder.encode({"query": fetch.document, "variables": {}})[:-2]
    names = tuple(_encoder.encode(wanted.variable) + b":" for wanted in fetch.inputs)
    read = partial(msgspec.convert, type=answer) if hosted else _off_the_wire(answer)
    return _Request(fetch, head, names, read, head + b"}}", hosted)


def _off_the_wire(answer: type[Struct]) -> Callable[[WireAnswer], Any]:
    decode = msgspec.json.Decoder(answer).decode
    return lambda given: decode(given.body)


def _ignored(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()
