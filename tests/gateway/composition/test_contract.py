"""Contracts: the graph that a group of callers sees."""

from __future__ import annotations

import pytest
from graphql import is_introspection_type, is_specified_scalar_type, print_type

from gateway.composition.compose import compose
from gateway.composition.contract import Contract
from gateway.composition.problems import CompositionFailed
from gateway.supergraph.read import read_supergraph
from tests.gateway.composition.refused import sources_of

GRAPH = {
    "scans": """
        type Query { scans(after: ID, debug: Boolean @tag(name: "internal")): [Scan] @tag(name: "partner") jobs: [Job] }
        type Scan @key(fields: "id") @tag(name: "partner") {
          id: ID! state: State raw: Raw @tag(name: "internal") filter(by: By): Int
        }
        type Raw { bytes: Int }
        type Job { id: ID! scan: Scan @tag(name: "mr") }
        enum State { NEW DONE LOST @tag(name: "internal") }
        input By { name: String secret: String @tag(name: "internal") }
        scalar Never
    """,
    "twins": 'type Scan @key(fields: "id") { id: ID! @shareable twin: ID @tag(name: "mr") }',
}


def seen(*shown: str, hidden: tuple[str, ...] = ()) -> str:
    """The schema that clients of the contract see, on few lines."""
    composed = compose(sources_of(GRAPH), Contract(frozenset(shown), frozenset(hidden)))
    schema = read_supergraph(composed.supergraph).api_schema
    types = [each for each in schema.type_map.values() if not is_introspection_type(each)]
    return " ".join(" ".join(print_type(each) for each in types if not is_specified_scalar_type(each)).split())


def test_a_contract_shows_what_carries_its_tag_and_what_that_needs_and_a_tag_to_hide_wins() -> None:
    assert seen("partner", hidden=("internal",)) == (
        "input By { name: String } type Query { scans(after: ID): [Scan] } "
        "type Scan { id: ID! state: State filter(by: By): Int twin: ID } enum State { NEW DONE }"
    )


def test_without_tags_to_show_all_is_shown_but_what_is_hidden_or_unreachable() -> None:
    text = seen(hidden=("internal",))
    assert "jobs: [Job]" in text
    assert "Raw" not in text
    assert "Never" not in text


def test_the_gateway_still_knows_what_the_contract_hides() -> None:
    composed = compose(sources_of(GRAPH), Contract(frozenset(("partner",)), frozenset(("internal",))))
    types = next(iter(read_supergraph(composed.supergraph).types.values()))
    assert {"raw", "state"} <= types["Scan"].fields.keys()


@pytest.mark.parametrize("contract", [Contract(frozenset(("partner",))), Contract(hidden=frozenset(("bytes",)))])
def test_a_shown_field_of_a_hidden_type_is_refused(contract: Contract) -> None:
    graph = {**GRAPH, "scans": GRAPH["scans"].replace("type Raw {", 'type Raw @tag(name: "bytes") {')}
    with pytest.raises(CompositionFailed) as failed:
        compose(sources_of(graph), contract)
    (problem,) = failed.value.problems
    assert problem.message == (
        'Type "Raw" is hidden by the contract, but "Scan.raw", which clients see, is of that type.'
    )
    assert str(problem.places[0]) == "scans:7:9"


def test_what_a_contract_hides_is_not_told_as_if_its_author_had_hidden_it() -> None:
    graph = {
        "a": """
            type Query { x(by: By! @tag(name: "in"), e: E = A): T i: I } type T { y: Int @tag(name: "in") } scalar By
            enum E { A @tag(name: "in") B } interface I { z: Int } type J implements I { z: Int @tag(name: "in") w: Int}
        """
    }
    with pytest.raises(CompositionFailed) as failed:
        compose(sources_of(graph), Contract(hidden=frozenset(("in",))))
    assert {problem.code: "@inaccessible" in problem.message for problem in failed.value.problems} == {
        "REQUIRED_INACCESSIBLE": False,
        "ONLY_INACCESSIBLE_CHILDREN": False,
        "DEFAULT_VALUE_USES_INACCESSIBLE": False,
        "IMPLEMENTED_BY_INACCESSIBLE": False,
    }
    assert all("by the contract" in problem.message for problem in failed.value.problems)


def test_a_tag_that_nothing_carries_is_refused_since_it_may_be_mistyped() -> None:
    with pytest.raises(CompositionFailed) as failed:
        compose(sources_of(GRAPH), Contract(hidden=frozenset(("intrenal",))))
    (problem,) = failed.value.problems
    assert problem.message == (
        'The contract names the tag "intrenal", which nothing carries; there are: internal, mr, partner.'
    )


def test_a_contract_shows_what_a_directive_that_clients_write_takes() -> None:
    graph = {"a": 'directive @d(e: E) on FIELD enum E { A } type Query { x: Int @tag(name: "partner") y: Int }'}
    composed = compose(sources_of(graph), Contract(frozenset(("partner",))))
    assert "E" in read_supergraph(composed.supergraph).api_schema.type_map


def test_a_contract_that_shows_no_query_is_refused() -> None:
    with pytest.raises(CompositionFailed) as failed:
        compose(sources_of(GRAPH), Contract(frozenset(("mr",))))
    assert "QUERY_ROOT_TYPE_INACCESSIBLE" in {problem.code for problem in failed.value.problems}
