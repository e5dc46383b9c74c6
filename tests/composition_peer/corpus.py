"""Graphs that compose: those of the suites, the small ones of composition's tests, and the platform's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gateway.composition.read_subgraph import SubgraphSource
from infra.compose.supergraph_file import sdl_file
from subgraphs.catalogue import PORTS, url_of
from tests.federation.harness.suite import SUITES
from tests.gateway.composition.test_compose import ACCEPTED, sources_in

PEERS_CANNOT = frozenset(("renamed-roots",))
"""Graphs that the peer composes only as they stand."""


def corpus() -> Mapping[str, list[SubgraphSource]]:
    """Each graph by name."""
    folders: list[Path] = [path for root in (ACCEPTED, SUITES) for path in root.iterdir()]
    graphs = {folder.name: sources_in(folder) for folder in sorted(folders) if folder.name not in PEERS_CANNOT}
    graphs["own"] = [SubgraphSource(name, url_of(name), sdl_file(name).read_text()) for name in sorted(PORTS)]
    return graphs
