"""Which objects a fetch does not ask about, because its subgraph has told of them before."""

from __future__ import annotations

import pytest

from gateway.composition.compose import SubgraphSource, compose
from gateway.operation.deferring import Deferring
from gateway.operation.prepare import prepare
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.supergraph.read import read_supergraph

_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires"])'
)
SDLS = {
    "people": f"""{_LINK}
        type Query {{ people: [Person] chief: Person beings: [Being] }}
        type Mutation {{ rename(id: ID!, name: String): Person }}
        interface Being {{ id: ID! name: String }}
        type Person implements Being @key(fields: "id") {{
            id: ID! name: String age(in: Int): Int nicknames: [String!] team: Team
        }}
        type Dog implements Being @key(fields: "id") {{ id: ID! name: String }}
        type Team {{ name: String lead: Person }}
    """,
    "notes": f"""{_LINK}
        type Query {{ notes: [Note] }}
        type Note @key(fields: "number") {{ number: Int! author: Person size: Int }}
        type Person @key(fields: "id") {{ id: ID! notes: [Note] }}
    """,
    "wages": f"""{_LINK}
        type Person @key(fields: "id") {{
            id: ID! age(in: Int): Int @external wage: Int @requires(fields: "age(in: 1)") level: Int
        }}
        type Note @key(fields: "number") {{ number: Int! fee: Int clerk: Person }}
    """,
}
SUPERGRAPH = read_supergraph(
    compose([SubgraphSource(name, f"http://{name}", sdl) for name, sdl in SDLS.items()]).supergraph
)


def known_in(query: str, asks_again: bool = False) -> list[str]:
    plan = Planning(SUPERGRAPH, asks_again=asks_again).plan(prepare(SUPERGRAPH, query))
    found = (line.strip() for line in render(plan).splitlines())
    return [line.partition("not those known at ")[2] for line in found if "not those known at" in line]


def test_what_a_root_field_told_is_not_asked_by_key() -> None:
    assert known_in("{ people { name notes { author { name } } } }") == ["people { id name }"]


def test_every_place_that_told_it_counts_the_first_first() -> None:
    query = "{ chief { name team { lead { name id } } notes { author { name } } } people { name id } }"
    assert known_in(query) == ["chief { id name }", "chief.team.lead { id name }", "people { id name }"]


def test_four_places_at_most_are_looked_at() -> None:
    leads = " ".join(f"a{each}: chief {{ name id }}" for each in range(6))
    assert len(known_in(f"{{ {leads} people {{ id notes {{ author {{ name }} }} }} }}")) == 4


def test_the_clients_own_keys_are_told_apart() -> None:
    query = "{ people { called: name notes { author { nickname: name } } } }"
    assert known_in(query) == ["people { id nickname: called }"]


def test_the_same_arguments_are_the_same_field() -> None:
    query = "query ($n: Int) { people { age(in: %s) notes { author { age(in: $n) } } } }"
    assert known_in(query % "$n") == ["people { id age }"]
    assert known_in(query % "1") == []


def test_what_an_entity_fetch_told_is_known_too() -> None:
    assert known_in("{ notes { fee clerk { name notes { fee } } } }") == ["notes { number fee }"]


def test_what_follows_from_other_fields_takes_the_same_values() -> None:
    query = "{ people { wage notes { author { wage } } } }"
    told = known_in(query)
    assert told[0].startswith("people { id age")
    # Their wages go along in one request; nothing was told of them before.
    assert len(told) == 1


@pytest.mark.parametrize(
    "query",
    [
        # A list, and an object, which others may fill.
        "{ people { name nicknames notes { author { nicknames } } } }",
        "{ people { name team { name } notes { author { team { name } } } } }",
        # Not all of it was told.
        "{ people { name notes { author { name age } } } }",
        # By objects of several types.
        "{ beings { id name } notes { author { name } } }",
        # By another subgraph.
        "{ notes { author { name } } }",
        # At the same time, or later.
        "{ notes { author { name } } people { name id } }",
    ],
)
def test_nothing_else_is_known(query: str) -> None:
    assert known_in(query) == []


def test_what_a_mutation_changes_is_asked_again() -> None:
    assert known_in('mutation { rename(id: 1, name: "x") { name notes { author { name } } } }') == []


def test_an_answer_in_pieces_is_asked_by_key() -> None:
    query = "{ people { name ... @defer { notes { author { name } } } } }"
    in_pieces = prepare(SUPERGRAPH, query, None, Deferring(frozenset(), 50))
    assert in_pieces.deferred
    assert "known at" not in render(Planning(SUPERGRAPH).plan(in_pieces))


def test_a_setting_has_it_asked_again() -> None:
    assert known_in("{ people { name notes { author { name } } } }", asks_again=True) == []


def test_what_is_under_a_condition_is_known_where_it_is_told() -> None:
    query = "query ($if: Boolean!) { people { name @include(if: $if) notes { author { name } } } }"
    assert known_in(query) == ["people { id name }"]
