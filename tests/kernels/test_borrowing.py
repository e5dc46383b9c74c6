"""Arrays without an owner."""

import numpy as np
from numba import njit

from kernels.borrowing import borrowed, held


@njit
def sum_of_lent(count: int) -> float:
    owner = np.arange(count) * 1.0
    lent = borrowed(owner[1:])
    lent[0] = 10.0
    # Room that was given back too soon is written over by these.
    others = [np.full(count, -1.0) for _ in range(4)]
    total = float(len(others) - 4)
    for i in range(len(lent)):
        total += lent[i]
    held(owner)
    return total


def test_what_is_lent_stays_while_its_owner_is_held() -> None:
    assert sum_of_lent(1000) == sum(range(1000)) - 1 + 10
