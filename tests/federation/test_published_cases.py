"""Plans of the public audit's cases against the published planners: never more fetches, never deeper.

The cases are data beside the checkout; without them these tests are skipped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gateway.errors import OperationInvalid
from gateway.operation.prepare import prepare
from gateway.plan.nodes import Condition, Fetch, Node, Parallel, Sequence, Subscribe
from gateway.planner.plan_operation import plan_operation
from gateway.query_graph.build import build_query_graph
from gateway.supergraph.read import read_supergraph

CASES = Path(os.environ.get("D2R_SHARED") or Path(__file__).parents[3] / "shared") / "federation"
SUITES = sorted(path.parent.name for path in CASES.glob("*/tests.json"))


def size_of(node: Node | None) -> tuple[int, int]:
    """How many fetches, and how many of them one after the other."""
    match node:
        case None:
            return 0, 0
        case Fetch():
            return 1, 1
        case Sequence(nodes):
            sizes = [size_of(child) for child in nodes]
            return sum(size[0] for size in sizes), sum(size[1] for size in sizes)
        case Parallel(nodes):
            sizes = [size_of(child) for child in nodes]
            return sum(size[0] for size in sizes), max(size[1] for size in sizes)
        case Condition(_, _, child):
            return size_of(child)
        case Subscribe(primary, rest):
            return size_of(Sequence((primary, rest) if rest else (primary,)))


@pytest.mark.skipif(not SUITES, reason="the published cases are not beside this checkout")
@pytest.mark.parametrize("suite", SUITES)
def test_plans_are_never_larger_than_the_published_planners(suite: str) -> None:
    baseline = json.loads((CASES / "plan_baseline.json").read_text())[suite]
    cases = json.loads((CASES / suite / "tests.json").read_text())
    graph = build_query_graph(read_supergraph((CASES / suite / "supergraph.graphql").read_text()))
    larger = []
    for number, (case, published) in enumerate(zip(cases, baseline, strict=True)):
        try:
            operation = prepare(graph.supergraph, case["query"])
        except OperationInvalid:
            assert case["expected"].get("errors"), f"case {number} was refused"
            continue
        size = size_of(plan_operation(graph, operation).node)
        if published is not None and (size[0] > published[0] or size[1] > published[1]):
            larger.append((number, size, published))
    assert larger == []
