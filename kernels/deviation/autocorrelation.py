"""How many independent points a scan is worth: neighbours share the deviation of the surface, and so repeat each other.

In: points and their deviations. Out: the effective number n' for which the standard error of the
mean is sigma / sqrt(n'). n' = n / (1 + the sum of a point's correlations with all others), the correlation taken as a
function of distance alone (its correlogram) and up to the first lag at which it cannot be told from none.

Near lags are measured with every neighbour of some seeds, far ones with pairs drawn from the whole: a correlation that
ends within a few points and one that spans the part are both seen. The draw is seeded: one scan, one answer.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from kernels.arrays import Float64s
from kernels.deviation.nearest import nearest_in, quick_tree

SEEDS = 1000
FAR = 1500
NEAR = 129
"""A seed and the neighbours that it is compared with one by one."""
NEAR_LAGS, FAR_LAGS = 8, 16
SIGNIFICANT = 3.0
"""Standard errors of a correlation that is none: 1 / sqrt(pairs)."""


def effective_count(points: Float64s, values: Float64s) -> float:
    """Between 1 and n."""
    count = len(points)
    centred = values - values.mean()
    variance = float(np.mean(centred**2))
    if variance == 0.0:
        return float(count)
    random = np.random.default_rng(1)
    seeds = random.choice(count, min(SEEDS, count), replace=False)
    together = 0.0
    for others, pairs, products in _lags(points, centred / np.sqrt(variance), seeds, random):
        correlation = products / max(pairs, 1)
        if correlation < SIGNIFICANT / np.sqrt(max(pairs, 1)):
            break
        together += others * correlation
    return float(np.clip(count / (1.0 + together), 1.0, count))


def _lags(
    points: Float64s, values: Float64s, seeds: NDArray[np.int64], random: np.random.Generator
) -> list[tuple[float, int, float]]:
    """For each lag, nearest first: a point's others at it, pairs that were compared, the sum of their products."""
    apart, near = nearest_in(quick_tree(points), points[seeds], min(NEAR, len(points)))
    reach = float(np.median(apart[:, -1]))
    products = values[seeds][:, None] * values[near]
    edges = reach * np.sqrt(np.linspace(0.0, 1.0, NEAR_LAGS + 1))
    inside = apart[:, 1:] <= reach
    lags = _summed(apart[:, 1:][inside], products[:, 1:][inside], edges, 1.0 / len(seeds))
    drawn = random.choice(len(points), min(FAR, len(points)), replace=False)
    far: Float64s = cdist(points[seeds], points[drawn])
    widest = float(far.max())
    if widest <= reach:
        return lags
    beyond = far > reach
    products = (values[seeds][:, None] * values[drawn])[beyond]
    edges = np.geomspace(reach, widest, FAR_LAGS + 1)
    return lags + _summed(far[beyond], products, edges, len(points) / (len(seeds) * len(drawn)))


def _summed(
    apart: Float64s, products: Float64s, edges: Float64s, others_a_pair: float
) -> list[tuple[float, int, float]]:
    place = np.clip(np.searchsorted(edges, apart, side="left") - 1, 0, len(edges) - 2)
    pairs = np.bincount(place, minlength=len(edges) - 1)
    sums = np.bincount(place, weights=products, minlength=len(edges) - 1)
    return [(others_a_pair * int(n), int(n), float(s)) for n, s in zip(pairs, sums, strict=True)]
