"""Objects that come as one text many times over are read, asked about and written once, and stand in all places."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.compiled.documents import possible_in
from gateway.compiled.executor import CompilingExecutor
from gateway.compiled.program import Program
from gateway.composition.compose import SubgraphSource, compose
from gateway.execution.executor import Executor
from gateway.execution.reporting import Reporting
from gateway.operation.prepare import prepare
from gateway.plan.query_plan import QueryPlan
from gateway.planner.planning import Planning
from gateway.supergraph.read import read_supergraph
from tests.federation.harness.suite import Nobody
from tests.gateway.compiled.test_programs import Answering

_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires"])'
)
SDLS = {
    "shelves": f"""{_LINK}
        type Query {{ shelves: [Shelf] }}
        type Shelf @key(fields: "number") {{ number: Int! box: Box boxes: [Box] first: Box! }}
        type Box {{ label: String! lid: Part parts: [Part!] inner: Box }}
        type Part @key(fields: "id") {{ id: ID! }}
    """,
    "parts": f"""{_LINK}
        type Part @key(fields: "id") {{ id: ID! name: String! weight: Float }}
    """,
    "stock": f"""{_LINK}
        type Part @key(fields: "id") {{ id: ID! weight: Float @external left: Int @requires(fields: "weight") }}
        type Shelf @key(fields: "number") {{
            number: Int!
            box: Box @external
            heavy: Boolean @requires(fields: "box {{ label }}")
        }}
        type Box {{ label: String! @external }}
    """,
}
PLANNING = Planning(
    read_supergraph(compose([SubgraphSource(name, f"http://{name}", sdl) for name, sdl in SDLS.items()]).supergraph)
)
QUERIES = [
    "{ shelves { box { lid { name } } } }",
    "{ shelves { box { label lid { left } parts { id name } } boxes { parts { left } } } }",
    "{ shelves { first { inner { lid { name left } } } boxes { inner { inner { parts { name } } } label } } }",
    "{ shelves { heavy box { label lid { name } } boxes { lid { id } } } }",
]
PART = st.sampled_from(["a", "b", "none"]).map(lambda id: {"id": id})
BOX = st.recursive(
    st.none(),
    lambda inner: (
        st.none()
        | st.fixed_dictionaries(
            {
                "label": st.sampled_from(["x", "y" * 90, "y" * 89 + "z"]),
                "lid": st.none() | PART,
                "parts": st.none() | st.lists(PART, max_size=3),
                "inner": inner,
            }
        )
    ),
    max_leaves=3,
)


@st.composite
def shelves(draw: st.DrawFn) -> list[Any]:
    # A few boxes, in many places.
    boxes = st.sampled_from(draw(st.lists(BOX, min_size=1, max_size=4)))
    shelf = st.fixed_dictionaries({"box": boxes, "boxes": st.none() | st.lists(boxes, max_size=6), "first": boxes})
    found = draw(st.lists(st.none() | shelf, max_size=12))
    return [each and {**each, "number": number} for number, each in enumerate(found)]


def entity(representation: dict[str, Any]) -> dict[str, Any] | None:
    if representation["__typename"] == "Shelf":
        return {"heavy": bool(representation["box"])}
    id = representation["id"]
    if id == "none":
        return None
    return {"name": f"part {id}", "weight": len(id) / 2, "left": 7 if "weight" in representation else 0}


def subgraphs(found: Any) -> dict[str, Answering]:
    def entities(given: Any) -> Any:
        asked = [(name.replace("representations", "_entities"), each) for name, each in given.items()]
        return {"data": {name: [entity(each) for each in several] for name, several in asked}}

    return {
        "shelves": Answering("shelves", lambda _: {"data": {"shelves": found}}),
        "parts": Answering("parts", entities),
        "stock": Answering("stock", entities),
    }


def plan_of(query: str) -> QueryPlan:
    return PLANNING.plan(prepare(PLANNING.supergraph, query))


def compiling(found: Any) -> CompilingExecutor:
    api_schema = PLANNING.supergraph.api_schema
    return CompilingExecutor(subgraphs(found), api_schema, Reporting(development=True), compile_after=0)


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("query", QUERIES)
@given(found=shelves())
def test_the_answer_is_the_same_as_without_programs(query: str, found: Any) -> None:
    slow = Executor(subgraphs(found), PLANNING.supergraph.api_schema, Reporting(development=True))
    expected = asyncio.run(slow.execute(plan_of(query), {}, Nobody()))
    answer = asyncio.run(compiling(found).execute(plan_of(query), {}, Nobody()))
    assert answer.as_bytes() == expected.as_bytes()


async def test_texts_of_one_length_and_one_beginning_are_told_apart() -> None:
    boxes = [{"label": "y" * 200 + end, "lid": {"id": end}} for end in "abab"]
    executor = compiling([{"boxes": boxes}])
    answer = await executor.execute(plan_of("{ shelves { boxes { label lid { name } } } }"), {}, Nobody())
    shown = json.loads(answer.as_bytes())["data"]["shelves"][0]["boxes"]
    assert [(each["label"][-1], each["lid"]["name"]) for each in shown] == [(end, f"part {end}") for end in "abab"]
    assert executor.runs.compiled == 1


def test_what_is_read_through_its_holder_stays_an_object() -> None:
    free, read = (
        Program(plan_of(query), {}, possible_in(PLANNING.supergraph.api_schema)).text.count("= tell_apart")
        for query in (QUERIES[3].replace("heavy", ""), QUERIES[3])
    )
    assert (free, read) == (3, 2)


@pytest.mark.parametrize(("inner", "keeps"), [("abcd", 0), ("aaab", 1)])
async def test_where_objects_do_not_repeat_nobody_looks_for_it_for_long(inner: str, keeps: int) -> None:
    found = [{"boxes": [{"label": "l", "lid": {"id": id}} for id in inner]}]
    executor, plan = compiling(found), plan_of("{ shelves { boxes { label lid { name } } } }")
    answers = {(await executor.execute(plan, {}, Nobody())).as_bytes() for _ in range(100)}
    assert await places_looked_at(executor, plan) == keeps
    assert (len(answers), executor.runs.compiled) == (1, 100)


async def test_data_that_begins_to_repeat_is_looked_at_again_and_no_program_written_twice() -> None:
    found = [{"boxes": [{"label": "l", "lid": {"id": id}} for id in "abcd"]}]
    executor, plan = compiling(found), plan_of("{ shelves { boxes { label lid { name } } } }")
    seen, programs = [], set()
    for ids in ("abcd", "aaaa", "abcd", "aaaa"):
        for box, id in zip(found[0]["boxes"], ids, strict=True):
            box["lid"]["id"] = id
        for _ in range(2200):
            answer = await executor.execute(plan, {}, Nobody())
            programs.add(await running(executor, plan))
        assert [each["lid"]["name"] for each in json.loads(answer.as_bytes())["data"]["shelves"][0]["boxes"]] == [
            f"part {id}" for id in ids
        ]
        seen.append(await places_looked_at(executor, plan))
    # Of boxes that are all alike, one lid is left.
    assert seen == [0, 1, 0, 1]
    # Everywhere, among boxes, among lids, and nowhere.
    assert len(programs) <= 4


async def running(executor: CompilingExecutor, plan: QueryPlan) -> Program:
    program = await executor._program(executor._known_of(plan), {})
    assert program is not None
    return program


async def places_looked_at(executor: CompilingExecutor, plan: QueryPlan) -> int:
    return (await running(executor, plan)).text.count("= tell_apart")
