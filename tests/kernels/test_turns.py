"""Turns are taken once each, by however many threads."""

import numpy as np
import pytest
from numba import prange

from kernels.arrays import Int64s
from kernels.compiled import compiled_parallel
from kernels.device import cores_for
from kernels.turns import THREADS, next_turn


@compiled_parallel
def take(taken: Int64s) -> Int64s:
    """Count how often each turn was taken; gives the counter as it is left."""
    turns = np.zeros(1, np.int64)
    for _ in prange(THREADS):
        turn = next_turn(turns)
        while turn < len(taken):
            taken[turn] += 1
            turn = next_turn(turns)
    return turns


@pytest.mark.parametrize("count", [0, 1, 200_000])
def test_each_turn_is_taken_once(count: int) -> None:
    taken = np.zeros(count, np.int64)
    with cores_for(200_000, 1):
        turns = take(taken)
    assert (taken == 1).all()
    # Everybody who began has asked once more than there was for them.
    assert turns[0] == count + THREADS
