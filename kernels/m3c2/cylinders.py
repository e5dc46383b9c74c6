"""Means of points within cylinders: a grid of cells, walked along each axis.

In: a cloud, axes. Out: count, mean and variance of the points' places along each axis. A point belongs to the step of
the walk that its own place along the axis falls into, so none is counted twice and none is missed: a step is one radius
long, and cells are so wide that all points of a step lie in the three by three by three around it.
"""

import numpy as np
from numba import prange

from kernels.arrays import Float64s, Int64s
from kernels.cells import first_at_least
from kernels.compiled import compiled, compiled_parallel, int64

SIDE = 1.12
"""Of a cell, in radii: at least sqrt(1 + 1/4), the farthest that a point of a step is from its middle."""


@compiled
def mean_within(
    points: Float64s,
    keys: Int64s,
    low: Float64s,
    spans: Int64s,
    side: float,
    core: Float64s,
    normal: Float64s,
    radius: float,
    depth: float,
) -> tuple[int, float, float]:
    """Count, mean and variance (n - 1) of the places along one axis, by Welford's sums."""
    count, mean, squares = int64(0), 0.0, 0.0
    steps = int64(np.ceil(depth / radius))
    for step in range(-steps, steps + 1):
        middle = step * radius
        x = int64(np.floor((core[0] + middle * normal[0] - low[0]) / side))
        y = int64(np.floor((core[1] + middle * normal[1] - low[1]) / side))
        z = int64(np.floor((core[2] + middle * normal[2] - low[2]) / side))
        bottom, top = max(z - 1, 0), min(z + 1, spans[2] - 1)
        if bottom > top:
            continue
        for i in range(max(x - 1, 0), min(x + 1, spans[0] - 1) + 1):
            for j in range(max(y - 1, 0), min(y + 1, spans[1] - 1) + 1):
                column = (i * spans[1] + j) * spans[2]
                row = first_at_least(keys, column + bottom)
                while row < len(keys) and keys[row] <= column + top:
                    dx, dy, dz = points[row, 0] - core[0], points[row, 1] - core[1], points[row, 2] - core[2]
                    along = dx * normal[0] + dy * normal[1] + dz * normal[2]
                    row += 1
                    if abs(along) > depth or int64(np.floor(along / radius + 0.5)) != step:
                        continue
                    if dx * dx + dy * dy + dz * dz - along * along > radius * radius:
                        continue
                    count += 1
                    change = along - mean
                    mean += change / count
                    squares += change * (along - mean)
    return count, mean, squares / max(count - 1, 1)


@compiled_parallel
def means_within(
    points: Float64s,
    keys: Int64s,
    low: Float64s,
    spans: Int64s,
    side: float,
    cores: Float64s,
    normals: Float64s,
    radius: float,
    depth: float,
    counts: Int64s,
    means: Float64s,
    variances: Float64s,
) -> None:
    """Of every core point, into `counts`, `means` and `variances`."""
    for core in prange(cores.shape[0]):
        counts[core], means[core], variances[core] = mean_within(
            points, keys, low, spans, side, cores[core], normals[core], radius, depth
        )
