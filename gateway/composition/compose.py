"""Compose: texts of subgraphs in, the supergraph's text out, or every reason why not.

Raises `CompositionFailed`; each stage runs only on what the one before found sound, so that one mistake is told once.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from gateway.composition.contract import Contract, apply_contract
from gateway.composition.fitting import check_fitting
from gateway.composition.hints import add_hints
from gateway.composition.merge import merge
from gateway.composition.merged import Merged
from gateway.composition.printing import printed_schema
from gateway.composition.problems import Hint, Report
from gateway.composition.read_subgraph import SubgraphSource, read_subgraph
from gateway.composition.rules import check_subgraph
from gateway.composition.satisfiability import check_satisfiable
from gateway.composition.schema import SubgraphSchema
from gateway.composition.write import supergraph_document
from gateway.supergraph.errors import SupergraphInvalid
from gateway.supergraph.read import supergraph_of


@dataclass(frozen=True, slots=True)
class Composed:
    """The supergraph, and what its authors may want to know."""

    supergraph: str
    hints: tuple[Hint, ...]


def compose(sources: Sequence[SubgraphSource], contract: Contract | None = None) -> Composed:
    """The supergraph of the subgraphs, whatever order they come in; with a contract, what that shows of it.

    Raises: CompositionFailed.
    """
    with _without_collecting():
        return _composed(sources, contract)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Documents are a million small objects, all in use until the end; looking for garbage took half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _composed(sources: Sequence[SubgraphSource], contract: Contract | None) -> Composed:
    report = Report()
    merged = merged_of(sources, contract, report)
    document = supergraph_document(merged)
    try:
        check_satisfiable(supergraph_of(document), merged, report)
    except SupergraphInvalid as problem:
        message = f"What the subgraphs come to is no GraphQL schema: {problem.reason.rstrip('.')}."
        report.problem("INVALID_GRAPHQL", message, *merged.places_named(problem.reason))
    report.refuse_if_any()
    add_hints(merged, report)
    return Composed(printed_schema(document), tuple(report.hints))


def merged_of(sources: Sequence[SubgraphSource], contract: Contract | None, report: Report) -> Merged:
    """The subgraphs' types together, found to fit.

    Raises: CompositionFailed.
    """
    graphs = graph_names([source.name for source in sources])
    for name in sorted({s.name for s in sources if sum(other.name == s.name for other in sources) > 1}):
        report.problem("INVALID_SUBGRAPH_NAME", f'Two subgraphs are called "{name}".')
    if not all(source.name.strip() for source in sources):
        report.problem("INVALID_SUBGRAPH_NAME", "A subgraph has no name.")
    report.refuse_if_any()
    subgraphs: dict[str, SubgraphSchema] = {}
    for source in sorted(sources, key=lambda source: graphs[source.name]):
        schema = read_subgraph(source, graphs[source.name], report)
        if schema is not None:
            check_subgraph(schema, report)
            subgraphs[schema.graph] = schema
    report.refuse_if_any()
    merged = merge(subgraphs, report)
    if contract is not None:
        apply_contract(merged, contract, report)
    check_fitting(merged, report)
    report.refuse_if_any()
    return merged


def graph_names(names: Sequence[str]) -> dict[str, str]:
    """The value of the `join__Graph` enum for each subgraph: `scan-store` is SCAN_STORE."""
    found: dict[str, str] = {}
    plain = {name: _constant_case(name) for name in names}
    taken = set(plain.values())
    for name, wanted in plain.items():
        found[name] = wanted
        if sum(other == wanted for other in plain.values()) > 1:
            number = next(number for number in count(1) if f"{wanted}_{number}" not in taken)
            found[name] = f"{wanted}_{number}"
            taken.add(found[name])
    return found


def _constant_case(name: str) -> str:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", re.sub(r"[^A-Za-z0-9]+", "_", name))
    wanted = re.sub(r"_+", "_", spaced).strip("_").upper() or "GRAPH"
    return f"_{wanted}_" if wanted[0].isdigit() else wanted
