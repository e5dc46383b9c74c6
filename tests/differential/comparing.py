"""One House, one question, two answers. In: chance. Out: nothing, or a `Difference` that says how they differ."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from graphql import GraphQLError

from gateway.client.in_process import InProcessClient
from gateway.execution.executor import Executor
from gateway.execution.reporting import Reporting
from gateway.execution.response import ResponseError
from gateway.operation.prepare import prepare
from gateway.override_labels import OverrideLabels
from gateway.pipeline import OperationRequest, Pipeline
from gateway.plan.nodes import SubgraphName
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.settings import Limits
from gateway.supergraph.read import read_supergraph
from tests.differential.answering import Part, Whole
from tests.differential.house import random_house
from tests.differential.operations import Writer, random_variables
from tests.differential.texts import supergraph_of
from tests.differential.truth import Truth

QUESTIONS = 3


class Difference(AssertionError):
    """The gateway's answer is not the one schema's."""


@dataclass
class Nobody:
    trace_id: str = "trace"
    headers: None = None
    principal: None = None

    def token(self) -> str | None:
        return None


async def compare(chance: random.Random) -> int:
    """Make a House and put some questions to it both ways; how many."""
    house = random_house(chance)
    truth = Truth(chance, house)
    whole = Whole(house, truth)
    text = supergraph_of(house)
    asked = 0
    planning = Planning(read_supergraph(text))
    for _ in range(QUESTIONS):
        document = Writer(chance, whole.schema).operation()
        if document is None:
            continue
        asked += 1
        variables = random_variables(chance)
        parts = {name: Part(house, truth, name) for name in house.subgraphs}
        clients = {SubgraphName(name): InProcessClient(SubgraphName(name), part, 30.0) for name, part in parts.items()}
        supergraph = planning.supergraph
        pipeline = Pipeline(
            planning,
            Executor(clients, supergraph.api_schema, Reporting(development=True)),
            Limits(),
            10,
            True,
            True,
            OverrideLabels((), {}),
        )
        expected = whole.answer(document, variables)
        given = await pipeline.answer(pipeline.ready(OperationRequest(document, variables)), Nobody())
        faults = [fault for part in parts.values() for fault in part.faults]
        wrong = faults or _difference(expected.data, given.data, expected.errors or [], given.errors)
        if wrong:
            joined = text[text.index("enum join__Graph") :]
            plan = render(planning.plan(prepare(supergraph, document)))
            raise Difference(
                f"{wrong}\n{document}\n{variables}\nexpected {expected.data} {expected.errors}\n"
                f"got      {given.data} {[each.as_json() for each in given.errors]}\n{plan}\n{joined}"
            )
    return asked


def _difference(
    wanted: object, got: object, errors: Sequence[GraphQLError], found: Sequence[ResponseError]
) -> str | None:
    if wanted != got:
        return "the data differ"
    expected = {tuple(each.path or ()) for each in errors}
    paths = {tuple(each.path or ()) for each in found}
    missing = expected - paths
    # Of several errors that take one object along, graphql-core tells the first; which others were met is chance.
    extra = {path for path in paths - expected if not is_gone(got, path)}
    return f"the errors' places differ: {missing} are not told, {extra} are too many" if missing or extra else None


def is_gone(data: object, path: tuple[str | int, ...]) -> bool:
    """Whether an object above the place is null in the answer."""
    for step in path[:-1]:
        if data is None:
            return True
        data = data[step]  # type: ignore[index]
    return data is None
