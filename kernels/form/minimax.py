"""Make the largest of many residuals as small as it gets: Chebyshev approximation by sequential linear programs.

In: a state, and how residuals and their slopes follow from it. Out: the state with the least maximum. Each program is
solved over a few extremes; what violates its solution joins them until nothing does (exchange), so a hundred thousand
points cost little more than a hundred. A step counts only if it truly lessens the maximum; else it is shortened.
"""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from kernels.arrays import Float64s

State = TypeVar("State")

STEPS = 60
EXCHANGES = 60
JOINING = 24
"""Violators that join the program at once."""
CONVERGED = 1e-9
"""Of the maximum: a program that promises less than this ends the search."""


def least_maximum(
    state: State,
    residuals: Callable[[State], Float64s],
    slopes: Callable[[State], Float64s],
    moved: Callable[[State, Float64s], State],
) -> State:
    """`slopes` (n, p) are of residuals (n,) by parameters scaled to lengths: a step of 1 moves a point by about 1."""
    found = residuals(state)
    reach = 4.0 * _largest(found)
    for _ in range(STEPS):
        largest = _largest(found)
        if largest == 0.0:
            break
        step, promised = _program(found / largest, slopes(state), reach / largest)
        if promised > 1.0 - CONVERGED:
            break
        candidate = moved(state, step * largest)
        tried = residuals(candidate)
        if _largest(tried) < largest:
            # What was true that far may be true farther: a reach that only shrinks ends the search on the way.
            reach = max(reach, 2.0 * float(np.abs(step).max()) * largest)
            state, found = candidate, tried
        else:
            reach = 0.25 * min(reach, float(np.abs(step).max()) * largest)
            if reach < 1e-12 * largest:
                break
    return state


def _program(residuals: Float64s, slopes: Float64s, reach: float) -> tuple[Float64s, float]:
    """The step that makes the largest linearised residual least, and what it promises."""
    rows = _extremes(residuals, np.empty(0, np.int64))
    step, promised = np.zeros(slopes.shape[1]), 1.0
    for _ in range(EXCHANGES):
        step, promised = _solved(residuals[rows], slopes[rows], reach)
        linear = residuals + slopes @ step
        if _largest(linear) <= promised * (1.0 + 1e-10) + 1e-12:
            break
        more = _extremes(linear, rows)
        if len(more) == len(rows):
            break
        rows = more
    return step, _largest(residuals + slopes @ step)


def _solved(residuals: Float64s, slopes: Float64s, reach: float) -> tuple[Float64s, float]:
    """min h with -h <= r + J step <= h and every step within reach."""
    ones = np.ones((len(residuals), 1))
    above, below = np.hstack([slopes, -ones]), np.hstack([-slopes, -ones])
    bounds = [(-reach, reach)] * slopes.shape[1] + [(0.0, None)]
    price = np.zeros(slopes.shape[1] + 1)
    price[-1] = 1.0
    found = linprog(price, np.vstack([above, below]), np.concatenate([-residuals, residuals]), bounds=bounds)
    if not found.success or found.x is None:
        return np.zeros(slopes.shape[1]), 1.0
    return np.asarray(found.x[:-1], np.float64), float(found.x[-1])


def _extremes(values: Float64s, kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows that are kept, and those with the highest and lowest values."""
    count = min(JOINING, len(values))
    high = np.argpartition(-values, count - 1)[:count]
    low = np.argpartition(values, count - 1)[:count]
    return np.unique(np.concatenate([kept, high, low]))


def _largest(values: Float64s) -> float:
    return float(np.abs(values).max())
