"""Demands of several subgraphs on one element hold together."""

from __future__ import annotations

import pytest

from gateway.composition.compose import compose
from gateway.composition.merge.demands import both
from gateway.composition.merged import Scopes
from tests.gateway.composition.refused import sources_of


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ((("a",), ("b",)), (("c",),), (("a", "c"), ("b", "c"))),
        ((("a",),), (("a",), ("b",)), (("a",),)),
        ((), (("b",),), (("b",),)),
        ((("a", "b"),), (("b",),), (("a", "b"),)),
    ],
)
def test_who_meets_both_meets_each(one: Scopes, other: Scopes, together: Scopes) -> None:
    assert both(one, other) == together


def test_a_shared_field_demands_what_each_subgraph_demands() -> None:
    texts = {
        "a": 'type Query { x: Int @shareable @requiresScopes(scopes: [["a"], ["b"]]) }',
        "b": 'type Query { x: Int @shareable @requiresScopes(scopes: [["c"]]) @authenticated }',
    }
    text = compose(sources_of(texts)).supergraph
    assert 'x: Int @authenticated @requiresScopes(scopes: [["a", "c"], ["b", "c"]])' in text
