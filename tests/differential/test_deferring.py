"""What is deferred comes to the same in the end, and holds nothing up: random questions to random graphs.

graphql-core answers the same questions in pieces, from one schema. 150 graphs here, always the same ones.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.execution.delivery import DeliveryByParts
from gateway.execution.pieces import Piece
from tests.differential.comparing import Difference
from tests.differential.deferring import compare_deferred

GRAPHS = 80


@settings(
    max_examples=GRAPHS,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(chance=st.randoms(use_true_random=False))
def test_the_pieces_are_those_of_one_schema(chance: random.Random) -> None:
    asyncio.run(compare_deferred(chance))


def test_a_lost_piece_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = DeliveryByParts.after

    def forgetful(self: DeliveryByParts, complete: set[int]) -> Piece | None:
        piece = real(self, complete)
        if piece is not None and len(piece.increments) > 1:
            piece.increments = piece.increments[1:]
        return piece

    monkeypatch.setattr(DeliveryByParts, "after", forgetful)
    with pytest.raises((Difference, KeyError)):
        asyncio.run(compare_deferred(random.Random(0)))
