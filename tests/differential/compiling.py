"""One House, some questions, two executors: a program's answer is the generic executor's, byte for byte.

In: chance. Out: how many answers came by programs, or a `Difference`. Subgraphs fail, are down and lie: some of their
answers are mangled, the same way for whoever asks. Nobody is asked more than the generic executor asks.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from graphql import build_schema

from gateway.client.answer import answer_from_wire
from gateway.client.errors import Unreachable
from gateway.client.http import body_of
from gateway.client.in_process import InProcessClient
from gateway.client.protocol import SubgraphAnswer, SubgraphClient, SubgraphRequest, WireAnswer, WireRequest
from gateway.compiled.executor import CompilingExecutor
from gateway.execution.executor import Executor
from gateway.execution.reporting import Reporting
from gateway.override_labels import OverrideLabels
from gateway.pipeline import OperationRequest, Pipeline
from gateway.plan.nodes import SubgraphName
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.settings import Limits
from gateway.supergraph.read import read_supergraph
from tests.differential.answering import Part
from tests.differential.building import random_house
from tests.differential.comparing import QUESTION, Difference, Nobody
from tests.differential.faults import Faults, random_faults
from tests.differential.operations import random_question
from tests.differential.schema_texts import whole_of
from tests.differential.supergraph_text import supergraph_of
from tests.differential.truth import Clock, Truth

Json = Any
QUESTIONS = 4


class OnTheWire:
    """A subgraph behind a wire without sockets. `mangles`: how often an answer is not what it should be."""

    def __init__(self, name: str, part: Part, seed: int, mangles: float) -> None:
        self.name = SubgraphName(name)
        self._part, self._seed, self._mangles = part, seed, mangles
        self.asked: Counter[bytes] = Counter()

    def send(self, request: WireRequest) -> asyncio.Future[WireAnswer]:
        self.asked[request.body] += 1
        return asyncio.ensure_future(self._answered(request.body))

    async def request(self, request: SubgraphRequest) -> SubgraphAnswer:
        answer = await self.send(WireRequest(body_of(request), request.kind))
        return answer_from_wire(self.name, answer)

    def stream(self, request: SubgraphRequest) -> AsyncIterator[SubgraphAnswer]:
        raise NotImplementedError

    async def close(self) -> None:
        return None

    async def _answered(self, body: bytes) -> WireAnswer:
        asked = json.loads(body)
        try:
            answer = await self._part.execute(asked["query"], asked["variables"])
        except ConnectionError as error:
            raise Unreachable(self.name, str(error)) from error
        chance = _chance_of(self._seed, self.name, body)
        await asyncio.sleep(0 if chance.random() < 0.7 else 0.001)
        if chance.random() >= self._mangles:
            return WireAnswer(200, json.dumps(answer).encode())
        return mangled(chance, answer)


class InThisProcess:
    """A hosted subgraph; some of its answers are mangled as on the wire."""

    def __init__(self, name: str, part: Part, seed: int, mangles: float) -> None:
        self._name, self._part, self._seed, self._mangles = name, part, seed, mangles
        self.asked: Counter[bytes] = Counter()

    async def execute(self, document: str, variables: dict[str, Json], *_: object) -> Json:
        body = json.dumps([document, variables]).encode()
        self.asked[body] += 1
        answer = await self._part.execute(document, variables)
        chance = _chance_of(self._seed, self._name, body)
        return answer if chance.random() >= self._mangles else _changed(chance, answer)

    def subscribe(self, *_: object) -> AsyncIterator[Json]:
        raise NotImplementedError


def _chance_of(seed: int, name: str, body: bytes) -> random.Random:
    """What is mangled depends on the question alone, in whatever order it names the objects that it is about."""
    return random.Random(f"{seed} {name} {_in_order(body)}")


def mangled(chance: random.Random, answer: Json) -> WireAnswer:
    drawn = chance.random()
    if drawn < 0.1:
        return WireAnswer(
            chance.choice((200, 500)), chance.choice((b"", b"{", b"<html>", b"null", b"[]", b'{"data":1}'))
        )
    if drawn < 0.2:
        answer = {**answer, "errors": [{"message": "odd", "path": ["nowhere", 3]}]}
    elif drawn < 0.25:
        answer = {**answer, "data": None, "errors": [{"message": "nothing"}]}
    else:
        answer = _changed(chance, answer)
    return WireAnswer(chance.choice((200, 200, 500)), json.dumps(answer).encode())


def _changed(chance: random.Random, value: Json) -> Json:
    """One place somewhere below holds something else, or nothing."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        if chance.random() < 0.1:
            return {each: held for each, held in value.items() if each != key}
        return {**value, key: _changed(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.9:
        index = chance.randrange(len(value))
        if chance.random() < 0.2:
            return value[:index] + value[index + 1 :]
        return [*value[:index], _changed(chance, value[index]), *value[index + 1 :]]
    return chance.choice(
        (None, "text", "", 7, 1.0, 2.5, True, 2**31, -(2**70), [], {}, [None], {"id": "x"}, "RED", "E9")
    )


def _in_order(body: bytes) -> str:
    """A request, whatever the order of its representations: objects of several types are asked about type by type."""
    asked = json.loads(body)
    variables = asked["variables"] if isinstance(asked, dict) else asked[1]
    for name, value in variables.items():
        if "representations" in name and isinstance(value, list):
            variables[name] = sorted(value, key=json.dumps)
    return json.dumps(asked)


def _asked_alike(generic: Counter[tuple[str, str]], compiled: Counter[tuple[str, str]], surprised: bool) -> bool:
    """After a surprise the other order of objects of several types may have it asked for again: a query, once."""
    if generic == compiled:
        return True
    again = [each for each in compiled if compiled[each] != generic[each]]
    return surprised and all(compiled[each] == 2 * generic[each] and "_entities" in each[1] for each in again)


async def compare_compiled(chance: random.Random) -> Counter[str]:
    """How many questions, and how many were answered by programs, after a surprise, or without one."""
    house = random_house(chance)
    truth = Truth(chance, house)
    text = supergraph_of(house)
    planning = Planning(read_supergraph(text))
    parts = {name: Part(house, truth, name) for name in house.subgraphs}
    seed, mangles = chance.randrange(10**9), chance.choice((0.0, 0.0, 0.3))
    kinds = {name: chance.choice((OnTheWire, OnTheWire, InThisProcess)) for name in parts}
    subgraphs = {SubgraphName(name): kinds[name](name, part, seed, mangles) for name, part in parts.items()}
    wires: dict[SubgraphName, SubgraphClient] = {
        name: each if isinstance(each, OnTheWire) else InProcessClient(name, each, 30.0)
        for name, each in subgraphs.items()
    }
    api, reporting = planning.supergraph.api_schema, Reporting(development=True)
    generic, compiling = Executor(wires, api, reporting), CompilingExecutor(wires, api, reporting, compile_after=0)
    pipeline = Pipeline(planning, generic, Limits(), 10, True, True, OverrideLabels(planning.labels, {}))
    schema = build_schema(whole_of(house), assume_valid_sdl=True)
    seen: Counter[str] = Counter()
    for _ in range(QUESTIONS):
        question = random_question(chance, schema)
        if question is None:
            continue
        ready = await pipeline.ready(OperationRequest(question.text, question.variables))
        faults = random_faults(chance, house) if chance.random() < 0.4 else Faults()
        answers, requests, surprised = [], [], compiling.runs.surprised
        for executor in (generic, compiling):
            clock = Clock()
            for part in parts.values():
                part.begin(clock, ready.labels, faults)
            for each in subgraphs.values():
                each.asked.clear()
            answers.append((await executor.execute(ready.plan, ready.variables, Nobody())).as_bytes())
            requests.append(
                Counter((name, _in_order(body)) for name, each in subgraphs.items() for body in each.asked.elements())
            )
        wrong = [fault for part in parts.values() for fault in part.wrong] if not mangles else []
        if answers[0] != answers[1]:
            wrong.append("the answers differ")
        if not _asked_alike(requests[0], requests[1], compiling.runs.surprised > surprised):
            wrong.append(f"what is asked differs: {requests[0]} {requests[1]}")
        if wrong:
            raise Difference(
                f"{wrong}\n{question.text}\n{question.variables}\n{answers[0].decode()}\n{answers[1].decode()}\n"
                f"{render(ready.plan)}\n{text[text.index('enum join__Graph') :]}"
            )
        seen[QUESTION] += 1
    seen.update(compiled=compiling.runs.compiled, surprised=compiling.runs.surprised, generic=compiling.runs.generic)
    return seen
