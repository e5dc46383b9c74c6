"""Key and cursor are selected upstream whether or not the client did, and only then."""

from __future__ import annotations

import pytest
from graphql import parse
from graphql.language import print_ast

from gateway.operation.prepare import prepare
from gateway.plan.nodes import Subscribe
from gateway.planner.planning import Planning
from gateway.streams.selection import Delivered, with_delivery
from gateway.supergraph.read import read_supergraph
from tests.gateway.streams.factory import SUPERGRAPH

SUPER = read_supergraph(SUPERGRAPH)
PLANNING = Planning(SUPER)


def selected(text: str) -> tuple[str, Delivered]:
    """What the subgraph is asked, on one line."""
    operation, delivered = with_delivery(SUPER, prepare(SUPER, text))
    node = PLANNING.plan(operation).node
    assert isinstance(node, Subscribe)
    return " ".join(print_ast(parse(node.primary.document)).split()), delivered


@pytest.mark.parametrize(
    ("asked", "sent", "keys"),
    [
        (
            "{ poses { x } }",
            "{ poses { x machine { id } } }",
            ("poses", "machine", "id"),
        ),
        (
            "{ poses { x machine { id } } }",
            "{ poses { x machine { id } } }",
            ("poses", "machine", "id"),
        ),
        (
            "{ p: poses { m: machine { i: id } x } }",
            "{ p: poses { m: machine { i: id } x } }",
            ("p", "m", "i"),
        ),
        (
            "{ poses { machine { __typename } x } }",
            "{ poses { machine { id } x } }",
            ("poses", "machine", "id"),
        ),
        (
            "{ poses { machine: x } }",
            "{ poses { machine: x delivery_machine: machine { id } } }",
            ("poses", "delivery_machine", "id"),
        ),
        (
            "{ poses { machine: x delivery_machine: x } }",
            "{ poses { machine: x delivery_machine: x _delivery_machine: machine { id } } }",
            ("poses", "_delivery_machine", "id"),
        ),
    ],
)
def test_the_key_is_asked_for_where_the_client_did_not(asked: str, sent: str, keys: tuple[str, ...]) -> None:
    document, delivered = selected(f"subscription {asked}")
    assert (document, delivered.keys) == (f"subscription {sent}", (keys,))


def test_what_the_client_asks_for_under_a_condition_is_asked_for_beside_it() -> None:
    document, delivered = selected("subscription ($on: Boolean!) { moves { cursor @include(if: $on) to } }")
    assert "delivery_cursor: cursor" in document
    assert delivered.cursor == ("moves", "delivery_cursor")


def test_without_a_rule_nothing_is_added() -> None:
    document, delivered = selected("subscription { notes { text } }")
    assert (document, delivered) == ("subscription { notes { text } }", Delivered())


@pytest.mark.parametrize(
    ("arguments", "variables", "cursor"),
    [
        ('(after: "7")', {}, "7"),
        ("(after: $after)", {"after": "8"}, "8"),
        ("(after: $after)", {}, None),
        ("(after: null)", {}, None),
        ('(site: "s")', {}, None),
        ("", {}, None),
    ],
)
def test_where_the_client_resumes_from(arguments: str, variables: dict[str, object], cursor: str | None) -> None:
    text = (
        f"subscription ($after: String) {{ moves{arguments} {{ to }} }}"
        if "$" in arguments
        else (f"subscription {{ moves{arguments} {{ to }} }}")
    )
    # As text, for graphql-core's Undefined claims to equal None.
    assert repr(selected(text)[1].resumed_from(variables)) == repr(cursor)


def test_events_of_one_key_have_equal_keys_and_a_null_has_one_too() -> None:
    _, delivered = selected("subscription { poses { x machine { id } } }")

    def key(machine: object) -> bytes:
        return delivered.key_in({"poses": {"x": 1.0, "machine": machine}})

    assert key({"id": "m1"}) == key({"id": "m1", "__typename": "Machine"}) != key({"id": "m2"})
    assert delivered.key_in(None) == delivered.key_in({"poses": None}) == key(None) != key({"id": "m1"})
