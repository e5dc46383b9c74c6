"""Plans of operations that defer, as people see them; and those of all others, which are as ever."""

from __future__ import annotations

import pytest

from gateway.__main__ import main
from gateway.pipeline import OperationRequest
from gateway.plan.render import render
from gateway.planner.planning import Planning
from gateway.supergraph.read import read_supergraph
from tests.differential.deferring import pipeline_of
from tests.federation.harness.suite import SUITES

SUPERGRAPH = SUITES / "defer" / "supergraph.graphql"
QUERY = """
query ($later: Boolean!) {
  product(id: "p1") {
    name
    ... @defer(if: $later, label: "stock") { inStock weight ... @defer { shelf } }
    ... @defer { weight size { width } }
  }
}
"""
PLAN = """
QueryPlan {
  Fetch 0 (subgraph: catalog) {
    {
      product(id: "p1") {
        name
        id
      }
    }
  }
  Defer 1 (at: product, label: "stock") {
    Fetch 1 (subgraph: stock) {
      $representations: product as Product { id }
      query ($representations: [_Any!]!) {
        _entities(representations: $representations) {
          ... on Product {
            inStock
          }
        }
      }
    }
  }
"""


def test_the_command_shows_what_is_fetched_for_which_fragment(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "query.graphql"
    document.write_text(QUERY)
    assert main(["plan", "--supergraph", str(SUPERGRAPH), str(document)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(PLAN.removeprefix("\n"))
    heads = [line.strip() for line in printed.splitlines() if line.startswith("  Defer")]
    assert heads == [
        'Defer 1 (at: product, label: "stock") {',
        "Defer 2 (at: product, in: 1) {",
        "Defer 3 (at: product) {",
        "Defer 1 and 3 {",
    ]
    assert main(["plan", "--supergraph", str(SUPERGRAPH), "--variables", '{"later": false}', str(document)]) == 0
    assert "label" not in capsys.readouterr().out
    assert main(["normalize", "--supergraph", str(SUPERGRAPH), str(document)]) == 0
    assert "    weight in deferred 1 and 3\n" in capsys.readouterr().out


async def test_who_takes_no_pieces_has_the_plan_without_defer() -> None:
    pipeline = pipeline_of(Planning(read_supergraph(SUPERGRAPH.read_text())), {})
    plain = 'query { product(id: "p1") { name inStock } }'
    deferring = 'query { product(id: "p1") { name ... @defer { inStock } } }'
    whole = await pipeline.ready(OperationRequest(deferring))
    assert render(whole.plan) == render((await pipeline.ready(OperationRequest(plain))).plan)
    # Without @defer there is one plan for all.
    in_pieces = await pipeline.ready(OperationRequest(plain), in_pieces=True)
    assert in_pieces.plan is (await pipeline.ready(OperationRequest(plain))).plan
    off = deferring.replace("@defer", "@defer(if: false)")
    assert (await pipeline.ready(OperationRequest(off), in_pieces=True)).plan == whole.plan


async def test_an_operation_is_planned_once_for_each_choice_of_its_conditions() -> None:
    pipeline = pipeline_of(Planning(read_supergraph(SUPERGRAPH.read_text())), {})
    ready = [
        await pipeline.ready(OperationRequest(QUERY, {"later": later}), in_pieces=True) for later in (True, False, True)
    ]
    assert ready[0].plan is ready[2].plan
    assert [len(each.plan.deferral.fragments) for each in ready if each.plan.deferral] == [3, 2, 3]
