"""Arrays without an owner."""

import numpy as np
from numba import njit

from kernels.borrowing import borrowed, held


@njit
def doubled(count: int) -> float:
    owner = np.arange(count) * 1.0
    lent = borrowed(owner[1:])
    # Room that was given back too soon would be written over.
    for _ in range(100):
        np.full(count, -1.0)
    for i in range(len(lent)):
        lent[i] *= 2.0
    total = owner.sum()
    held(owner)
    return float(total)


def test_what_is_lent_is_the_owners_and_stays_while_it_is_held() -> None:
    assert doubled(1000) == 2 * sum(range(1000))
