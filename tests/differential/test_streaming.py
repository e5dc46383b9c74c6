"""A list that comes in two goes is the same list in the end: random questions to random graphs.

graphql-core streams the same questions from one schema. 60 graphs here, always the same ones.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.execution.later_items import Window
from tests.differential.comparing import Difference
from tests.differential.streaming import compare_streamed

GRAPHS = 40


@settings(
    max_examples=GRAPHS,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(chance=st.randoms(use_true_random=False))
def test_the_pieces_come_to_the_list_of_one_schema(chance: random.Random) -> None:
    asyncio.run(compare_streamed(chance))


def test_items_that_are_never_fetched_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Window.has
    monkeypatch.setattr(Window, "has", lambda self, tree, place: not self.later and real(self, tree, place))

    async def until_one_differs() -> None:
        for seed in range(60):
            await compare_streamed(random.Random(seed))

    with pytest.raises(Difference):
        asyncio.run(until_one_differs())
