"""`@delivery` as a supergraph carries it: read under whatever name, and refused where it cannot be kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.composition.compose import compose
from gateway.composition.read_subgraph import SubgraphSource
from gateway.supergraph.errors import SupergraphInvalid
from gateway.supergraph.model import Delivery, Mode, Share
from gateway.supergraph.read import read_supergraph

FLOOR = Path(__file__).parents[1] / "streams" / "floor"
SUPERGRAPH = (FLOOR / "supergraph.graphql").read_text()
LINK = '@link(url: "https://specs.d2r.dev/delivery/v0.1", import: ["@delivery"])'
POSES = 'poses(site: ID): Pose! @delivery(mode: LATEST, key: "machine { id }")'


def changed(old: str, new: str) -> str:
    assert old in SUPERGRAPH
    return SUPERGRAPH.replace(old, new)


def test_the_rules_are_read() -> None:
    assert read_supergraph(SUPERGRAPH).deliveries == {
        "poses": Delivery(Mode.LATEST, key="machine { id }"),
        "calmPoses": Delivery(Mode.LATEST, key="machine { id }", max_rate=10),
        "moves": Delivery(Mode.ORDERED, cursor="cursor", after="after"),
        "board": Delivery(Mode.ORDERED, cursor="cursor", after="after", share=Share.TENANT),
    }


def test_the_rules_come_through_our_own_composition() -> None:
    files = [FLOOR / "machines.graphql", FLOOR / "names.graphql"]
    sources = [SubgraphSource(file.stem, f"http://{file.stem}", file.read_text()) for file in files]
    composed = read_supergraph(compose(sources).supergraph)
    assert composed.deliveries == read_supergraph(SUPERGRAPH).deliveries
    assert not [name for name in composed.api_schema.type_map if name.startswith("delivery")]


def test_the_directive_may_go_by_another_name() -> None:
    for link in ('import: [{name: "@delivery", as: "@pace"}]', 'as: "pace"'):
        text = changed(LINK, f'@link(url: "https://specs.d2r.dev/delivery/v0.1", {link})').replace(
            "@delivery(", "@pace("
        )
        assert read_supergraph(text).deliveries == read_supergraph(SUPERGRAPH).deliveries


def test_a_directive_of_that_name_from_elsewhere_means_nothing_here() -> None:
    text = changed(LINK, '@link(url: "https://example.org/delivery/v0.1", import: ["@delivery"])')
    assert read_supergraph(text).deliveries == {}


def test_clients_see_nothing_of_it() -> None:
    schema = read_supergraph(SUPERGRAPH).api_schema
    assert not [name for name in schema.type_map if name.startswith("delivery")]
    assert schema.get_directive("delivery") is None


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ('(mode: LATEST, key: "robot")', "Pose.robot is not this subgraph's to give"),
        ('(mode: LATEST, key: "machine { name }")', "Machine.name is not this subgraph's to give"),
        ('(mode: LATEST, key: "machine")', "Pose.machine needs fields of its own"),
        ('(mode: LATEST, key: "x { y }")', "Pose.x has no fields of its own"),
        ('(mode: LATEST, key: "... on Pose { x }")', "plain fields"),
        ('(mode: ORDERED, key: "x")', "`key` and `maxRate` are for LATEST"),
        ("(mode: ORDERED, maxRate: 2)", "`key` and `maxRate` are for LATEST"),
        ("(mode: LATEST, maxRate: 0)", "at least one event a second"),
        ('(mode: ORDERED, cursor: "x", after: "since")', "no argument 'since'"),
        ('(mode: ORDERED, after: "site")', "it names none"),
        ('(mode: ORDERED, cursor: "x machine { id }")', "a cursor is one field"),
        ("(mode: NEWEST)", "NEWEST"),
        ("", "'' is not a valid Mode"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused_with_its_place(rule: str, reason: str) -> None:
    with pytest.raises(SupergraphInvalid, match=r"Subscription\.poses") as refused:
        read_supergraph(changed(POSES, f"poses(site: ID): Pose! @delivery{rule}"))
    assert reason in str(refused.value)


def test_a_rule_elsewhere_than_on_a_subscription_is_refused() -> None:
    with pytest.raises(SupergraphInvalid, match=r"Pose\.x.*subscription fields"):
        read_supergraph(changed("  x: Float!", "  x: Float! @delivery(mode: LATEST)"))


def test_a_version_that_this_gateway_does_not_know_is_refused() -> None:
    with pytest.raises(SupergraphInvalid, match=r"v0\.9"):
        read_supergraph(changed("delivery/v0.1", "delivery/v0.9"))
