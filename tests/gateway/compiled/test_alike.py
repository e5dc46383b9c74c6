"""Objects that stand in an answer many times are asked about, filled and rendered once, and stand in all places."""

from __future__ import annotations

import asyncio
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
    "notes": f"""{_LINK}
        type Query {{ notes: [Note] loose: [Part] }}
        type Note @key(fields: "text") {{ text: String! part: Part parts: [Part] }}
        type Part @key(fields: "id") {{ id: ID! }}
    """,
    "parts": f"""{_LINK}
        type Part @key(fields: "id") {{ id: ID! name: String size: Float maker: Maker }}
        type Maker @key(fields: "code") {{ code: Int! }}
    """,
    "stock": f"""{_LINK}
        type Part @key(fields: "id") {{ id: ID! size: Float @external left(of: Int): Int @requires(fields: "size") }}
        type Maker @key(fields: "code") {{ code: Int! title: String }}
        type Note @key(fields: "text") {{
            text: String!
            part: Part @external
            heavy: Boolean @requires(fields: "part {{ size }}")
        }}
    """,
}
PLANNING = Planning(
    read_supergraph(compose([SubgraphSource(name, f"http://{name}", sdl) for name, sdl in SDLS.items()]).supergraph)
)
QUERIES = [
    "{ notes { text part { id name } } }",
    "{ notes { part { name left } parts { name } } loose { id left } }",
    "{ notes { parts { left id name maker { title } } part { maker { code title } } } }",
    "{ notes { heavy part { name } } }",
    "{ loose { name } notes { parts { name size } } }",
]
IDS = st.sampled_from(["a", "b", "c", "none", None])
PARTS = st.lists(IDS.map(lambda id: None if id is None else {"id": id}), max_size=30)
NOTES = st.lists(
    st.none()
    | st.fixed_dictionaries(
        {"text": st.text(max_size=3), "part": PARTS.map(lambda parts: (parts or [None])[0]), "parts": st.none() | PARTS}
    ),
    max_size=20,
)


def entity(representation: dict[str, Any]) -> dict[str, Any] | None:
    if representation["__typename"] == "Maker":
        return {"title": f"the {representation['code']}"}
    if representation["__typename"] == "Note":
        return {"heavy": bool(representation["part"] and representation["part"]["size"])}
    id = representation["id"]
    if id == "none":
        return None
    maker = {"code": len(id), "__typename": "Maker"} if id != "c" else None
    return {
        "name": f"part {id}",
        "size": 1.5,
        "maker": maker,
        "left": 7 if "size" in representation else 0,
        "__typename": "Part",
    }


def subgraphs(notes: Any, loose: Any) -> dict[str, Answering]:
    def entities(given: Any) -> Any:
        return {"data": {name: [entity(each) for each in asked] for name, asked in _asked(given)}}

    return {
        "notes": Answering("notes", lambda _: {"data": {"notes": notes, "loose": loose}}),
        "parts": Answering("parts", entities),
        "stock": Answering("stock", entities),
    }


def _asked(given: Any) -> list[tuple[str, Any]]:
    return [(name.replace("representations", "_entities"), asked) for name, asked in given.items()]


def plan_of(query: str) -> QueryPlan:
    return PLANNING.plan(prepare(PLANNING.supergraph, query))


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("query", QUERIES)
@given(notes=NOTES, loose=st.none() | PARTS)
def test_the_answer_is_the_same_as_without_programs(query: str, notes: Any, loose: Any) -> None:
    plan, api_schema = plan_of(query), PLANNING.supergraph.api_schema
    slow = Executor(subgraphs(notes, loose), api_schema, Reporting(development=True))
    fast = CompilingExecutor(subgraphs(notes, loose), api_schema, Reporting(development=True), compile_after=0)
    expected = asyncio.run(slow.execute(plan, {}, Nobody()))
    answer = asyncio.run(fast.execute(plan, {}, Nobody()))
    assert answer.as_bytes() == expected.as_bytes()
    assert fast.runs.compiled == 1 or "none" in str((notes, loose))


@pytest.mark.parametrize("query", [query for query in QUERIES if "heavy" not in query])
def test_what_is_alike_is_merged(query: str) -> None:
    program = Program(plan_of(query), {}, possible_in(PLANNING.supergraph.api_schema))
    assert "are_alike" in program.text
