"""Which objects a fetch does not ask about, because its subgraph has told of them before."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.composition.compose import SubgraphSource, compose
from gateway.operation.conditions import ALWAYS, NEVER
from gateway.operation.deferring import Deferring
from gateway.operation.model import Field
from gateway.operation.prepare import prepare
from gateway.plan.nodes import RequiredField, SubgraphName
from gateway.plan.render import render
from gateway.planner.fetch_graph import ContextSlot, FetchDraft, Group, Item, PathStep, Requirements, Selection
from gateway.planner.passes.know_again import know_again
from gateway.planner.planning import Planning
from gateway.query_graph.model import TypeNode
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

PEOPLE = SubgraphName("people")


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


def test_what_only_the_plan_reads_is_a_key_and_no_value() -> None:
    assert known_in("{ people { wage notes { author { wage } } } }") == []
    assert known_in("{ people { age(in: 1) wage notes { author { wage } } } }") == ["people { id age }"]
    assert known_in("{ people { wage age(in: 1) notes { author { wage } } } }") == ["people { id age }"]
    seen_at_times = "query ($if: Boolean!) { people { wage age(in: 1) @include(if: $if) notes { author { wage } } } }"
    assert known_in(seen_at_times) == []


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


# Fetches made by hand: one tells of people, the other asks about Person objects by id.


def selection(type_name: str, *items: Item, possible: tuple[str, ...] = ()) -> Selection:
    node = TypeNode(PEOPLE, type_name, "OBJECT", {}, (), frozenset(possible or (type_name,)), False)
    return Selection(node, {(item.concrete, item.key): item for item in items})


def item(name: str, value: Selection | None = None, key: str | None = None, contexts: Any = ()) -> Item:
    type_name = "String" if value is None else value.node.name
    field = Field(name if key is None else key, name, "", frozenset(), type_name)
    return Item(name, field, type_name, None, ALWAYS, value, contexts, ALWAYS if field.key else NEVER)


def known_to(told: FetchDraft, subgraph: SubgraphName = PEOPLE) -> list[str]:
    path = (PathStep("author", None, frozenset(("Person",))),)
    asked = selection("Person", item("name"))
    group = Group(path, {"Person": asked}, {"Person": (RequiredField("id", "id"),)}, as_interface=False)
    know_again([told, FetchDraft(subgraph, "query", groups=[group], needs={told})])
    return [".".join(step.key for step in at.path) for at in group.known_at]


def root(*items: Item) -> FetchDraft:
    return FetchDraft(PEOPLE, "query", root=selection("Query", *items))


def entities(*steps: PathStep) -> FetchDraft:
    parts = {"Person": selection("Person", item("name"))}
    requires: dict[str | None, Requirements] = {"Person": (RequiredField("id", "id"),)}
    return FetchDraft(PEOPLE, "query", groups=[Group(steps, parts, requires, as_interface=False)])


def test_by_hand_what_was_told_is_known() -> None:
    people = item("people", selection("Person", item("id"), item("name")))
    assert known_to(root(people)) == ["people"]
    assert known_to(root(item("team", selection("Team", people)))) == ["team.people"]
    assert known_to(entities(PathStep("one", None, frozenset(("Person",))))) == ["one"]


def test_by_hand_another_subgraph_has_told_nothing() -> None:
    people = item("people", selection("Person", item("id"), item("name")))
    assert known_to(root(people), SubgraphName("others")) == []


def test_by_hand_objects_of_several_types_are_not_looked_at() -> None:
    several = frozenset(("Person", "Dog"))
    assert known_to(root(item("beings", selection("Person", item("id"), item("name"), possible=tuple(several))))) == []
    # Their place holds other types as well, at its end or on the way.
    assert known_to(entities(PathStep("one", frozenset(("Person",)), several))) == []
    way = (PathStep("being", frozenset(("Person",)), several), PathStep("one", None, frozenset(("Person",))))
    assert known_to(entities(*way)) == []


def test_by_hand_a_value_that_comes_from_above_is_no_ones_own() -> None:
    slot = ContextSlot("String", ())
    assert known_to(root(item("people", selection("Person", item("id"), item("name", contexts=(("as", slot),)))))) == []


def test_by_hand_a_place_that_no_client_sees_is_none() -> None:
    assert known_to(root(item("people", selection("Person", item("id"), item("name")), key=""))) == []
