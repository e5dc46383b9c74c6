"""What a subgraph told of an object before is not asked for again, and the answer is as if it had been."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.compiled.documents import possible_in
from gateway.compiled.executor import CompilingExecutor
from gateway.compiled.program import Program
from gateway.composition.compose import SubgraphSource, compose
from gateway.execution.executor import Executor
from gateway.execution.places import places_in
from gateway.execution.reporting import Reporting
from gateway.operation.prepare import prepare
from gateway.planner.planning import Planning
from gateway.supergraph.read import read_supergraph
from tests.federation.harness.suite import Nobody
from tests.gateway.compiled.test_programs import Answering

_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires"])'
)
SDLS = {
    "people": f"""{_LINK}
        type Query {{ people: [Person] chief: Person }}
        type Person @key(fields: "id") {{ id: ID! name: String age: Int mark: Mark }}
        scalar Mark
    """,
    "notes": f"""{_LINK}
        type Query {{ notes: [Note] }}
        type Note {{ author: Person }}
        type Person @key(fields: "id") {{ id: ID! notes: [Note] }}
    """,
    "wages": f"""{_LINK}
        type Person @key(fields: "id") {{ id: ID! age: Int @external wage: Int @requires(fields: "age") }}
    """,
}
SUPERGRAPH = read_supergraph(
    compose([SubgraphSource(name, f"http://{name}", sdl) for name, sdl in SDLS.items()]).supergraph
)
QUERIES = [
    "{ people { name notes { author { name } } } }",
    "{ people { id name age mark notes { author { called: name years: age } } } }",
    "{ chief { name mark } people { name mark notes { author { name mark } } } }",
    "{ people { name } chief { id name age wage notes { author { wage name } } } }",
    "query ($if: Boolean!) { people { age @include(if: $if) name notes { author { name age } } } }",
]
ODD = st.sampled_from([None, 1, "", True, [], {}, "odd"])
FIELDS = ("name", "age", "mark")


def person(id: str) -> dict[str, Any]:
    return {"id": id, "name": f"Person {id}", "age": len(id), "mark": {"of": id}}


@st.composite
def told(draw: st.DrawFn, lies: bool) -> dict[str, Any] | None:
    id = draw(st.sampled_from(["a", "bb", "c", "d"]))
    one = person(id)
    if not lies:
        return one
    for field in draw(st.lists(st.sampled_from(("id", *FIELDS)), max_size=2)):
        if draw(st.booleans()):
            one.pop(field, None)
        else:
            one[field] = draw(ODD)
    return draw(st.sampled_from([one, one, one, None]))


class Answers:
    """Three subgraphs of one world: who is told of at the root, and who wrote what.

    nameless: the people of whom nothing is told by key. fails: so many requests by key to people come to nothing.
    """

    def __init__(self, people: list[Any], authors: list[str], nameless: str = "", fails: bool = False) -> None:
        self.people, self.nameless, self.fails = people, nameless, fails
        self.asked: list[list[str]] = []
        self.wage: Callable[[int], Any] = lambda age: 10 * age
        self.notes: Callable[[], dict[str, Any]] = lambda: {"notes": [{"author": {"id": id}} for id in authors]}

    def subgraphs(self) -> dict[str, Answering]:
        notes = Answering("notes", lambda given: self._entities(given, lambda _: self.notes()))
        wages = Answering(
            "wages", lambda given: self._entities(given, lambda one: {"wage": self.wage(one["age"] or 0)})
        )
        return {"people": Answering("people", self._people), "notes": notes, "wages": wages}

    def _people(self, given: Any) -> Any:
        if not any("representations" in name for name in given):
            left_out = "age" if given.get("if") is False else ""
            people = [one and {key: held for key, held in one.items() if key != left_out} for one in self.people]
            return {"data": {"people": people, "chief": people[0] if people else None}}
        for asked in given.values():
            if isinstance(asked, list):
                self.asked.append([each["id"] for each in asked])
        if self.fails:
            return {"data": None, "errors": [{"message": "out of order"}]}
        return self._entities(given, lambda one: None if one["id"] in self.nameless else _by_key(one["id"]))

    def _entities(self, given: Any, of: Any) -> Any:
        lists = {name: asked for name, asked in given.items() if isinstance(asked, list)}
        return {
            "data": {
                name.replace("representations", "_entities"): [of(each) for each in asked]
                for name, asked in lists.items()
            }
        }


def _by_key(id: str) -> dict[str, Any]:
    one = person(id)
    return {**one, "called": one["name"], "years": one["age"], "__typename": "Person"}


def answered(answers: Answers, query: str, variables: dict[str, Any], *, asks_again: bool, compiles: bool) -> Any:
    plan = Planning(SUPERGRAPH, asks_again=asks_again).plan(prepare(SUPERGRAPH, query))
    made, reporting = answers.subgraphs(), Reporting(development=True)
    if not compiles:
        return asyncio.run(Executor(made, SUPERGRAPH.api_schema, reporting).execute(plan, variables, Nobody()))
    executor = CompilingExecutor(made, SUPERGRAPH.api_schema, reporting, compile_after=0)
    response = asyncio.run(executor.execute(plan, variables, Nobody()))
    assert executor.runs.compiled + executor.runs.surprised == 1
    return response


AUTHORS = st.lists(st.sampled_from(["a", "bb", "c", "zzz"]), max_size=8)


@settings(max_examples=80, deadline=None)
@pytest.mark.parametrize("query", QUERIES)
@given(people=st.lists(told(lies=False), max_size=5), authors=AUTHORS, asked=st.booleans())
def test_the_answer_is_that_of_asking_again(query: str, people: list[Any], authors: list[str], asked: bool) -> None:
    answers = [Answers(people, authors) for _ in range(3)]
    again, generic, program = (
        answered(one, query, {"if": asked}, asks_again=number == 0, compiles=number == 2).as_bytes()
        for number, one in enumerate(answers)
    )
    assert generic == again
    assert program == again
    assert answers[1].asked == answers[2].asked
    known = {each["id"] for each in people}
    if query == QUERIES[0] and people:
        assert {id for ids in answers[2].asked for id in ids} == set(authors) - known


@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("query", QUERIES)
@given(
    people=st.lists(told(lies=True), max_size=5),
    authors=AUTHORS,
    nameless=st.sampled_from(["", "a", "abb"]),
    fails=st.booleans(),
    asked=st.booleans(),
)
def test_programs_answer_and_ask_as_the_generic_executor(
    query: str, people: list[Any], authors: list[str], nameless: str, fails: bool, asked: bool
) -> None:
    answers = [Answers(people, authors, nameless, fails) for _ in range(2)]
    generic, program = (
        answered(one, query, {"if": asked}, asks_again=False, compiles=number == 1).as_bytes()
        for number, one in enumerate(answers)
    )
    assert program == generic
    assert answers[0].asked == answers[1].asked


@pytest.mark.parametrize("compiles", [False, True])
def test_who_was_told_of_with_a_null_is_asked_about(compiles: bool) -> None:
    answers = Answers([person("a"), person("bb") | {"name": None}], ["a", "bb"])
    response = answered(answers, QUERIES[0], {}, asks_again=False, compiles=compiles)
    assert answers.asked == [["bb"]]
    authors = [note["author"]["name"] for note in json.loads(response.as_bytes())["data"]["people"][1]["notes"]]
    assert authors == ["Person a", "Person bb"]


@pytest.mark.parametrize("compiles", [False, True])
def test_where_the_request_fails_the_known_keep_what_is_known(compiles: bool) -> None:
    answers = Answers([person("a")], ["a", "bb"], fails=True)
    response = json.loads(answered(answers, QUERIES[0], {}, asks_again=False, compiles=compiles).as_bytes())
    assert [note["author"]["name"] for note in response["data"]["people"][0]["notes"]] == ["Person a", None]
    assert [error["path"] for error in response["errors"]] == [["people", 0, "notes", 1, "author", "name"]]


@pytest.mark.parametrize("compiles", [False, True])
def test_nobody_is_asked_where_all_are_known(compiles: bool) -> None:
    answers = Answers([person("a"), person("bb")], ["a", "bb", "a"])
    answered(answers, QUERIES[2], {}, asks_again=False, compiles=compiles)
    assert answers.asked == []


@pytest.mark.parametrize("compiles", [False, True])
def test_a_value_that_only_the_plan_reads_is_shown_to_nobody(compiles: bool) -> None:
    """Nothing checks the age at chief, which goes into the wage."""
    answers = Answers([person("a") | {"age": "odd"}], ["a"])
    answers.wage = lambda _: 3
    query = "{ chief { wage notes { author { age } } } }"
    response = json.loads(answered(answers, query, {}, asks_again=False, compiles=compiles).as_bytes())
    assert response == {"data": {"chief": {"wage": 3, "notes": [{"author": {"age": 1}}]}}}


@pytest.mark.parametrize(("first", "then"), [(True, False), (False, True), (False, False)])
def test_conditions_leave_both_executors_asking_alike(first: bool, then: bool) -> None:
    query = """query ($first: Boolean!, $then: Boolean!) {
        people { name age @include(if: $first) notes { author { name age @include(if: $then) } } }
    }"""
    asked = []
    for compiles in (False, True):
        answers = Answers([person("a") | {"age": None}], ["a"])
        answered(answers, query, {"first": first, "then": then}, asks_again=False, compiles=compiles)
        asked.append(answers.asked)
    assert asked[0] == asked[1]


async def test_many_inputs_read_a_place_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr(
        "gateway.execution.known_objects.places_in", lambda tree, path: read.append(path) or places_in(tree, path)
    )
    inputs = " ".join(f"n{each}: notes {{ author {{ x{each}: name }} }}" for each in range(20))
    answers = Answers([person("a")], [])
    answers.notes = lambda: {f"n{each}": [{"author": {"id": "a"}}] for each in range(20)}
    query = f"{{ people {{ id name }} chief {{ {inputs} }} }}"
    plan = Planning(SUPERGRAPH).plan(prepare(SUPERGRAPH, query))
    response = await Executor(answers.subgraphs(), SUPERGRAPH.api_schema, Reporting(development=True)).execute(
        plan, {}, Nobody()
    )
    assert json.loads(response.as_bytes())["data"]["chief"]["n19"] == [{"author": {"x19": "Person a"}}]
    assert len(read) == 1


@pytest.mark.parametrize("query", QUERIES)
def test_these_have_programs_that_look_for_the_known(query: str) -> None:
    plan = Planning(SUPERGRAPH).plan(prepare(SUPERGRAPH, query))
    assert "known" in Program(plan, {"if": True}, possible_in(SUPERGRAPH.api_schema)).text
