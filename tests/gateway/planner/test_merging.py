"""Fetches that go together: what is asked of one object is never taken for what is asked of another."""

from __future__ import annotations

from gateway.composition.compose import SubgraphSource, compose
from gateway.operation.prepare import prepare
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.supergraph.read import read_supergraph

_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])'
SDLS = {
    "media": f"""{_LINK}
        type Query {{ media: [Media] }}
        interface Media {{ id: ID! }}
        type Book implements Media {{ id: ID! reader: User }}
        type Film implements Media {{ id: ID! owner: User }}
        type User @key(fields: "id") {{ id: ID! }}
    """,
    "users": f"""{_LINK}
        type User @key(fields: "id") {{ id: ID! nick: String email: String called(as: String): String friend: User }}
    """,
}
SUPERGRAPH = read_supergraph(
    compose([SubgraphSource(name, f"http://{name}", sdl) for name, sdl in SDLS.items()]).supergraph
)


def plan_of(reader: str, owner: str) -> str:
    query = f"{{ media {{ ... on Book {{ u: reader {{ {reader} }} }} ... on Film {{ u: owner {{ {owner} }} }} }} }}"
    return " ".join(render(Planning(SUPERGRAPH).plan(prepare(SUPERGRAPH, query))).split())


def test_what_is_asked_alike_is_asked_once() -> None:
    plan = plan_of("x: nick", "x: nick")
    assert plan.count("x: nick") == 1
    assert "$representations: media.u as User" in plan


def test_one_key_for_two_fields_keeps_objects_apart() -> None:
    plan = plan_of("x: nick", "x: email")
    assert "$representations0: media[Book].u as User" in plan
    assert "$representations1: media[Film].u as User" in plan
    assert plan.count("x: nick") == plan.count("x: email") == 1


def test_so_does_one_field_with_two_arguments() -> None:
    plan = plan_of('x: called(as: "a")', 'x: called(as: "b")')
    assert 'x: called(as: "a")' in plan
    assert 'x: called(as: "b")' in plan


def test_and_below_another_field() -> None:
    plan = plan_of("friend { x: nick }", "friend { x: email }")
    assert "x: nick" in plan
    assert "x: email" in plan
