"""What programs are written, what they say of themselves, and when they are tried."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.client.answer import answer_from_wire
from gateway.client.http import body_of
from gateway.client.protocol import SubgraphAnswer, SubgraphRequest, WireAnswer, WireRequest
from gateway.compiled.executor import CompilingExecutor
from gateway.execution.reporting import Reporting
from gateway.operation.prepare import prepare
from gateway.plan.nodes import SubgraphName
from gateway.plan.query_plan import QueryPlan
from gateway.planner.planning import Planning
from gateway.supergraph.read import read_supergraph
from tests.federation.harness.suite import SUITES, Nobody

QUERY = "{ products { id inStock } }"


class Answering:
    """A subgraph on a wire without sockets, that answers as it is told."""

    def __init__(self, name: str, answer: Callable[[Any], Any]) -> None:
        self.name, self.answer, self.asked = SubgraphName(name), answer, 0

    def send(self, request: WireRequest) -> asyncio.Future[WireAnswer]:
        self.asked += 1
        answer: asyncio.Future[WireAnswer] = asyncio.get_running_loop().create_future()
        answer.set_result(WireAnswer(200, json.dumps(self.answer(json.loads(request.body)["variables"])).encode()))
        return answer

    async def request(self, request: SubgraphRequest) -> SubgraphAnswer:
        return answer_from_wire(self.name, await self.send(WireRequest(body_of(request), request.kind)))

    def stream(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        raise NotImplementedError

    async def close(self) -> None:
        return None


def shop(stock: Callable[[Any], Any], compile_after: int = 0) -> tuple[CompilingExecutor, QueryPlan, list[Answering]]:
    planning = Planning(read_supergraph((SUITES / "defer" / "supergraph.graphql").read_text()))
    catalog = Answering("catalog", lambda _: {"data": {"products": [{"id": "p1"}, {"id": "p2"}]}})
    subgraphs = [catalog, Answering("stock", stock)]
    api_schema = planning.supergraph.api_schema
    reporting, named = Reporting(development=True), {each.name: each for each in subgraphs}
    executor = CompilingExecutor(named, api_schema, reporting, compile_after=compile_after)
    return executor, planning.plan(prepare(planning.supergraph, QUERY)), subgraphs


def counted(given: Any) -> Any:
    return {"data": {"_entities": [{"inStock": 5} for _ in given["representations"]]}}


def lost(given: Any) -> Any:
    entities = [{"inStock": None} for _ in given["representations"]]
    return {"data": {"_entities": entities}, "errors": [{"message": "lost", "path": ["_entities", 1, "inStock"]}]}


async def test_a_plan_is_compiled_when_it_is_asked_for_again_and_none_waits_for_it() -> None:
    executor, plan, _ = shop(counted, compile_after=1)
    answers = [(await executor.execute(plan, {}, Nobody())).as_bytes() for _ in range(2)]
    (variants,) = executor._known_of(plan).programs.values()
    await variants.when_written()
    answers += [(await executor.execute(plan, {}, Nobody())).as_bytes() for _ in range(2)]
    assert (executor.runs.generic, executor.runs.compiled, executor.runs.surprised) == (2, 2, 0)
    assert set(answers) == {b'{"data":{"products":[{"id":"p1","inStock":5},{"id":"p2","inStock":5}]}}'}


async def test_the_first_answer_waits_for_the_program_where_it_is_asked_to() -> None:
    executor, plan, _ = shop(counted, compile_after=0)
    await executor.execute(plan, {}, Nobody())
    assert (executor.runs.generic, executor.runs.compiled) == (0, 1)


async def test_what_a_program_waits_for_wakes_it_alone_and_not_the_calls_that_led_to_it() -> None:
    asking: list[asyncio.Task[Any] | None] = []

    def noted(given: Any) -> Any:
        asking.append(asyncio.current_task())
        return counted(given)

    executor, plan, _ = shop(noted)
    await executor.execute(plan, {}, Nobody())
    assert executor.runs.compiled == 1
    assert len(asking) == 1
    assert asking[0] is not asyncio.current_task()


async def test_a_program_that_is_given_up_ends_before_its_caller_goes_on() -> None:
    executor, plan, subgraphs = shop(counted)
    ends = []

    async def never() -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("request")

    subgraphs[1].send = lambda request: asyncio.ensure_future(never())  # type: ignore[method-assign]
    running = asyncio.create_task(executor.execute(plan, {}, Nobody()))
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ends == ["request"]
    assert len(asyncio.all_tasks()) == 1


async def test_a_surprise_asks_nothing_twice_and_says_what_went_wrong() -> None:
    generic, plan, asked = shop(lost, compile_after=1)
    first = await generic.execute(plan, {}, Nobody())
    executor, plan, subgraphs = shop(lost)
    second = await executor.execute(plan, {}, Nobody())
    assert second.as_json() == first.as_json()
    assert [error.path for error in second.errors] == [("products", 1, "inStock")]
    assert (generic.runs.generic, executor.runs.surprised) == (1, 1)
    assert [each.asked for each in subgraphs] == [each.asked for each in asked] == [1, 1]


async def test_a_program_that_keeps_meeting_surprises_is_tried_now_and_then() -> None:
    executor, plan, _ = shop(lost)
    for _ in range(100):
        await executor.execute(plan, {}, Nobody())
    assert executor.runs.surprised == 10 + 2


async def test_a_program_is_trusted_again_after_it_went_well() -> None:
    executor, plan, subgraphs = shop(lost)
    for _ in range(49):
        await executor.execute(plan, {}, Nobody())
    subgraphs[1].answer = counted
    for _ in range(10):
        await executor.execute(plan, {}, Nobody())
    assert executor.runs.compiled == 10


@pytest.mark.parametrize(
    ("suite", "query", "said"),
    [
        ("defer", QUERY, "async def program(run):"),
        ("defer", "{ products { ... @defer { inStock } } }", "# No program: introspection, pieces, "),
        ("defer", "{ __typename }", "# No program: introspection, pieces, "),
        ("context", "{ __schema { types { name } } }", "# No program"),
    ],
)
def test_the_command_shows_the_program(
    tmp_path, capsys: pytest.CaptureFixture[str], suite: str, query: str, said: str
) -> None:
    document = tmp_path / "query.graphql"
    document.write_text(query)
    assert main(["program", "--supergraph", str(SUITES / suite / "supergraph.graphql"), str(document)]) == 0
    assert said in capsys.readouterr().out
