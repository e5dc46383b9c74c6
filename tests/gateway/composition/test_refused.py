"""Subgraphs that do not compose: the code that the field uses, and where it points to."""

from __future__ import annotations

import pytest

from gateway.composition.compose import compose
from gateway.composition.problems import CompositionFailed, Problem
from gateway.composition.read_subgraph import SubgraphSource
from tests.gateway.composition.refused import REFUSED, Refused, sources_of


def problems_of(sources: list[SubgraphSource]) -> tuple[Problem, ...]:
    with pytest.raises(CompositionFailed) as failed:
        compose(sources)
    return failed.value.problems


ABOUT_ALL = {"NO_QUERIES"}
"""Codes of what no subgraph in particular is to blame for."""


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.code}: {case.name}")
def test_the_reason_is_told_and_no_other(case: Refused) -> None:
    problems = problems_of(sources_of(case.subgraphs))
    assert {problem.code for problem in problems} == {case.code}
    assert all(problem.places for problem in problems) or case.code in ABOUT_ALL
    if case.at is not None:
        assert str(problems[0].places[0]) == case.at


def test_every_problem_of_every_subgraph_is_told_at_once() -> None:
    problems = problems_of(
        sources_of(
            {
                "a": 'type Query { x: Int @nothing }\ntype T @key(fields: "no") { id: ID! }',
                "b": "type Query { y: Nothing }",
            }
        )
    )
    assert [(problem.code, str(problem.places[0])) for problem in problems] == [
        ("INVALID_GRAPHQL", "a:2:21"),
        ("KEY_INVALID_FIELDS", "a:3:8"),
        ("INVALID_GRAPHQL", "b:2:17"),
    ]


def test_a_version_of_the_future_is_told_the_newest_that_is_known() -> None:
    case = next(case for case in REFUSED if case.name == "a version of the future")
    (problem,) = problems_of(sources_of(case.subgraphs))
    assert problem.message == "[a] Federation v2.99 is not known here; the newest known is v2.15."


def test_places_count_lines_as_editors_do() -> None:
    text = '# é\r\n"""\r\nmany\nlines\r"""\rtype Query\n\n  { x: Int\n\ty: Nothing }'
    (problem,) = problems_of([SubgraphSource("a", "", text)])
    assert str(problem.places[0]) == "a:9:5"


def test_a_problem_between_subgraphs_points_into_each() -> None:
    (problem,) = problems_of(sources_of({"a": "type Query { x: Int }", "b": "\ntype Query { x: Int }"}))
    assert str(problem) == (
        'INVALID_FIELD_SHARING: "Query.x" is resolved by subgraphs "a" and "b", and marked @shareable in none of them: '
        "mark it in all of them. (a:2:14, b:3:14)"
    )


def test_what_cannot_be_reached_is_shown_as_a_query() -> None:
    case = next(case for case in REFUSED if case.name == "no way to a field")
    (problem,) = problems_of(sources_of(case.subgraphs))
    assert problem.message == (
        "This query cannot be answered:\nquery {\n  t {\n    n\n  }\n}\nbecause:\n"
        '- subgraph "a" does not resolve "T.n"\n'
        '- one cannot go to subgraph "b", which does: "T" has no resolvable @key there'
    )


def test_two_subgraphs_of_one_name_are_refused() -> None:
    source = SubgraphSource("a", "", "type Query { x: Int }")
    assert [problem.code for problem in problems_of([source, source])] == ["INVALID_SUBGRAPH_NAME"]
