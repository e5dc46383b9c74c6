"""Planning is given up before it costs too much, and says so."""

from __future__ import annotations

import itertools
from collections import deque

import pytest

from gateway.planner.budget import Budget
from gateway.planner.errors import PlanTooComplex


def test_steps_run_out() -> None:
    budget = Budget(steps=3)
    for _ in range(3):
        budget.spend()
    with pytest.raises(PlanTooComplex, match="more than 3 steps"):
        budget.spend()


def test_time_runs_out() -> None:
    clock = itertools.count()
    budget = Budget(steps=1_000_000, seconds=5, now=lambda: float(next(clock)))
    with pytest.raises(PlanTooComplex, match="more than 5 s"):
        deque((budget.spend() for _ in range(100_000)), maxlen=0)
