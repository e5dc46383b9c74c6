"""The printed plan of every case of every suite, compared with `plans.txt` beside it.

When a plan changes on purpose: `python -m tests.federation.test_printed_plans` writes them anew; read the diff.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.node_field import with_node_field
from gateway.operation.prepare import prepare
from gateway.plan.render import render
from gateway.planner.plan_operation import plan_operation
from gateway.query_graph.build import build_query_graph
from gateway.supergraph.read import read_supergraph
from tests.federation.harness.suite import suite_named

SUITES = sorted(path.parent for path in (Path(__file__).parent / "suites").glob("*/plans.txt"))


def plans_of(suite: Path) -> str:
    text = (suite / "supergraph.graphql").read_text()
    has_node_field = suite_named(suite.name).settings.node_field is not None
    graph = build_query_graph(read_supergraph(with_node_field(text) if has_node_field else text))
    texts = []
    for case in json.loads((suite / "cases.json").read_text()):
        plan = plan_operation(graph, prepare(graph.supergraph, case["query"]))
        texts.append(f"# {case['name']}\n# {' '.join(case['query'].split())}\n{render(plan)}\n")
    return "\n".join(texts)


def test_there_are_suites() -> None:
    assert len(SUITES) >= 9


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_the_plans_are_the_printed_ones(suite: Path) -> None:
    assert plans_of(suite) == (suite / "plans.txt").read_text()


if __name__ == "__main__":
    for folder in SUITES:
        (folder / "plans.txt").write_text(plans_of(folder))
