"""One House, some questions, two answers each. In: chance. Out: nothing, or a `Difference` that says how."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from graphql import ExecutionResult, GraphQLError

from gateway.client.in_process import InProcessClient
from gateway.execution.executor import Executor
from gateway.execution.reporting import Reporting
from gateway.execution.response import Response, ResponseError
from gateway.override_labels import OverrideLabels
from gateway.pipeline import OperationRequest, Pipeline, Ready
from gateway.plan.nodes import SubgraphName
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.settings import Limits
from gateway.supergraph.read import read_supergraph
from tests.differential.answering import Part, Whole
from tests.differential.building import random_house
from tests.differential.faults import Faults, Losses, Path, random_faults
from tests.differential.operations import Question, random_question
from tests.differential.supergraph_text import supergraph_of
from tests.differential.truth import Clock, Truth

QUESTIONS = 3
QUESTION = "question"


class Difference(AssertionError):
    """The gateway's answer is not the one schema's."""


@dataclass
class Nobody:
    trace_id: str = "trace"
    headers: None = None
    principal: None = None

    def token(self) -> str | None:
        return None


async def compare(chance: random.Random) -> Counter[str]:
    """Make a House and put some questions to it both ways. How many questions, and how many exercised what."""
    both = _Both(chance)
    seen: Counter[str] = Counter()
    for _ in range(QUESTIONS):
        question = random_question(chance, both.whole.schema)
        if question is not None:
            seen.update({QUESTION, *await both.ask(question, random_faults(chance, both.house))})
    return seen


class _Both:
    """The one schema, and the gateway before its subgraphs."""

    def __init__(self, chance: random.Random) -> None:
        house = self.house = random_house(chance)
        truth = Truth(chance, house)
        self.whole = Whole(house, truth)
        self._text = supergraph_of(house)
        self._parts = {SubgraphName(name): Part(house, truth, name) for name in house.subgraphs}
        self._planning = Planning(read_supergraph(self._text))
        clients = {name: InProcessClient(name, part, 30.0) for name, part in self._parts.items()}
        executor = Executor(clients, self._planning.supergraph.api_schema, Reporting(development=True))
        ours = chance.choice((True, False, 40.0))
        labels = OverrideLabels(self._planning.labels, {"ours": ours}, chance.random)
        self._pipeline = Pipeline(self._planning, executor, Limits(), 10, True, True, labels)

    async def ask(self, question: Question, faults: Faults) -> set[str]:
        """Raises a `Difference`, or says what the question exercised."""
        clock = Clock()
        ready = await self._pipeline.ready(OperationRequest(question.text, question.variables))
        for part in self._parts.values():
            part.begin(clock, ready.labels, faults)
        given = await self._pipeline.answer(ready, Nobody())
        told = frozenset(tuple(each.path) for each in given.errors if each.path) if faults else frozenset()
        gave = frozenset(each for part in self._parts.values() for each in part.gave)
        losses = Losses(faults, given.data, told, gave)
        expected = self.whole.answer(question.text, question.variables, losses)
        wrong: object = [each for part in self._parts.values() for each in part.wrong]
        wrong = wrong or _difference(expected.data, given.data, expected.errors or [], given.errors)
        if not wrong and faults:
            wrong = losses.needless(self.house)
        if wrong:
            raise Difference(f"{faults}\n" + self._said(f"{wrong}", question, expected, given, ready))
        exercised = {each for part in self._parts.values() for each in part.exercised}
        changers = sum("mutation" in part.exercised for part in self._parts.values())
        exercised |= {"mutations over several subgraphs"} if changers > 1 else set()
        exercised |= {"variables in arguments"} if "$v0" in question.text else set()
        return exercised | ({"errors told"} if given.errors else set())

    def _said(self, wrong: str, question: Question, expected: ExecutionResult, given: Response, ready: Ready) -> str:
        return (
            f"{wrong}\n{question.text}\n{question.variables}\nexpected {expected.data} {expected.errors}\n"
            f"got      {given.data} {[each.as_json() for each in given.errors]}\n"
            f"labels {sorted(ready.labels)}\n{render(ready.plan)}\n"
            f"{self._text[self._text.index('enum join__Graph') :]}"
        )


def _difference(
    wanted: object, got: object, errors: Sequence[GraphQLError], found: Sequence[ResponseError]
) -> str | None:
    # As text, because the order of keys is part of the answer.
    if json.dumps(wanted) != json.dumps(got):
        return "the data differ"
    expected = {tuple(each.path or ()) for each in errors}
    paths = {tuple(each.path or ()) for each in found}
    if len(paths) < len(found):
        return "a place is told twice"
    # Of several errors that take one object along only one need be told, and which were met is chance.
    gone = {_gone(got, path) for path in paths}
    missing = {path for path in expected - paths if _gone(got, path) is None or _gone(got, path) not in gone}
    extra = {path for path in paths - expected if _gone(got, path) is None}
    return f"the errors' places differ: {missing} are not told, {extra} are too many" if missing or extra else None


def is_gone(data: object, path: Path) -> bool:
    """Whether an object above the place is null in the answer."""
    return _gone(data, path) is not None


def _gone(data: object, path: Path) -> Path | None:
    """The object above the place that is null in the answer."""
    for length, step in enumerate(path[:-1]):
        if data is None:
            return path[:length]
        data = data[step] if isinstance(data, list) else data.get(step, {})  # type: ignore[index, attr-defined]
    return path[:-1] if data is None else None
