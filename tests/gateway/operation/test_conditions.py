"""Conditions as any-of lists of all-of lists."""

from __future__ import annotations

from itertools import product

import pytest

from gateway.operation.conditions import ALWAYS, NEVER, Conditions, both, either, negated, toggle

A, B, C = toggle("a", True), toggle("b", True), toggle("c", False)


def _holds(conditions: Conditions, values: dict[str, bool]) -> bool:
    return any(all(values[item.variable] is item.equals for item in alternative) for alternative in conditions)


@pytest.mark.parametrize("conditions", [ALWAYS, NEVER, A, both(A, B), either(A, B), either(both(A, B), C)])
def test_negated_conditions_hold_where_the_others_do_not(conditions: Conditions) -> None:
    for a, b, c in product((True, False), repeat=3):
        values = {"a": a, "b": b, "c": c}
        assert _holds(negated(conditions), values) is not _holds(conditions, values)
