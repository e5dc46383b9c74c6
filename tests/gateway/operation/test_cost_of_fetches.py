"""What each subgraph is asked for, in all requests of one operation."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.composition.compose import compose
from gateway.operation.cost import Costs, TooExpensive
from gateway.operation.prepare import prepare
from gateway.planner.planning import Planning
from gateway.settings import CostSettings
from gateway.supergraph.read import read_supergraph
from tests.gateway.composition.refused import sources_of

SHOP = {
    "shop": """
        type Query { products(first: Int = 4): [Product!] @listSize(slicingArguments: ["first"]) one: Product }
        type Product @key(fields: "id") { id: ID! parts: [Part] @listSize(assumedSize: 3) }
        type Part @key(fields: "id") { id: ID! }
    """,
    "reviews": """
        type Product @key(fields: "id") { id: ID! reviews: [Review] @listSize(assumedSize: 5) }
        type Review { stars: Int author: Author }
        type Author { name: String }
    """,
    "stock": """
        type Part @key(fields: "id") { id: ID! left: Int @cost(weight: 2) }
        type Product @key(fields: "id") @cost(weight: 3) { id: ID! sold: Int }
    """,
}


def subgraphs(query: str, variables: Any = None, **settings: Any) -> dict[str, int]:
    supergraph = read_supergraph(compose(sources_of(SHOP)).supergraph or "")
    operation = prepare(supergraph, query)
    costs = Costs(supergraph, CostSettings(**{"shows": True, **settings}))
    estimate = costs.checked(costs.formula(operation, Planning(supergraph).plan(operation)), variables or {})
    assert estimate is not None
    return dict(estimate.subgraphs)


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        # A product weighs 3 wherever it comes from.
        ("{ products(first: 2) { id } }", {}, {"shop": 6}),
        # reviews: 4 products x (3 + 5 x (review 1 + author 1)).
        ("{ products { reviews { author { name } } } }", {}, {"shop": 12, "reviews": 52}),
        # stock: 10 x 3 parts x (1 + left 2).
        (
            "query ($n: Int) { products(first: $n) { parts { left } } }",
            {"n": 10},
            {"shop": 10 * (3 + 3), "stock": 10 * 3 * 3},
        ),
        ("{ one { sold parts { left } } }", {}, {"shop": 6, "stock": 3 + 3 * 3}),
        ("query ($no: Boolean!) { products { id reviews @skip(if: $no) { stars } } }", {"no": True}, {"shop": 12}),
    ],
)
def test_each_request_counts_for_as_many_objects_as_it_may_be_about(query: str, variables: Any, expected: Any) -> None:
    found = subgraphs(query, variables)
    assert {name: cost for name, cost in found.items() if name in expected} == expected


def test_each_subgraph_has_a_maximum_of_its_own() -> None:
    query = "{ products { reviews { author { name } } } }"
    assert subgraphs(query, subgraph_max=52) == {"shop": 12, "reviews": 52}
    with pytest.raises(TooExpensive, match="What it asks of subgraph 'reviews' may cost 52, and 51 is the most"):
        subgraphs(query, subgraph_max=51)
    assert subgraphs(query, subgraph_max=51, subgraph_maxima={"reviews": 60})
    with pytest.raises(TooExpensive, match="subgraph 'shop'"):
        subgraphs(query, subgraph_maxima={"shop": 11})
