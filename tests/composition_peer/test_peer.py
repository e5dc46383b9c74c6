"""A few hundred mutants, composed here and by the peer. Thousands: `./dev composition 5000`."""

from __future__ import annotations

from tests.composition_peer.__main__ import mutants
from tests.composition_peer.comparing import compared, composed_by_peer
from tests.composition_peer.corpus import corpus
from tests.gateway.composition.refused import REFUSED, sources_of
from tests.node import needs_peers

pytestmark = needs_peers

PEER_TAKES = {
    "two sets in one",
    "a key with an alias",
    "a @requires without a required argument",
    "a @requires with a variable",
    "the taker of a shared field does not share",
    "what another one provides is not shared",
    "connectors",
    "a directive before its time",
    "a directive's required argument that one lacks",
    "a composed directive called like one of Federation's",
}
"""What the peer composes all the same: into a fetch that its subgraph refuses, into a schema that is none, or against
what Apollo wants."""


def test_graphs_as_they_stand_are_composed_alike() -> None:
    graphs = corpus()
    answers = composed_by_peer(list(graphs.values()))
    found = {name: compared(graph, peer) for (name, graph), peer in zip(graphs.items(), answers, strict=True)}
    assert not {name: difference for name, difference in found.items() if difference and not difference.known}


def test_what_we_refuse_the_peer_refuses_for_the_same_reason() -> None:
    graphs = {case.name: sources_of(case.subgraphs) for case in REFUSED if case.name not in PEER_TAKES}
    answers = composed_by_peer(list(graphs.values()))
    found = {name: compared(graph, peer) for (name, graph), peer in zip(graphs.items(), answers, strict=True)}
    assert not {name: difference for name, difference in found.items() if difference and not difference.known}


def test_broken_graphs_are_refused_alike() -> None:
    made = list(mutants(1, 150))
    answers = composed_by_peer([graph for _, graph in made])
    found = {name: compared(graph, peer) for (name, graph), peer in zip(made, answers, strict=True)}
    assert not {name: difference for name, difference in found.items() if difference and not difference.known}
    assert sum("errors" in peer for peer in answers) > 50
