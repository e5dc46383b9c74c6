"""Which places of a surface are worst, each named once however wide it is.

In: local deviations at centres. Out: rows of the peaks, the highest first. A peak counts when one has to come down from
it by more than the noise before one can climb a higher one (0-dimensional persistence, Edelsbrunner and Harer 2010): a
broad bulge with a rippled top is one place, two bulges side by side are two.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from kernels.arrays import Float64s

MOST_CENTRES = 20_000
"""The highest centres that are looked at; what is lower cannot hold a worst place."""


def peaks(centers: Float64s, deviations: Float64s, reach: float, noise: float, most: int) -> NDArray[np.intp]:
    """(p,) rows of up to `most` peaks of |deviation|, at least one.

    reach: centres that lie this near belong together. noise: what a peak has to stand out by; same unit as deviations.
    """
    rows = np.argsort(-np.abs(deviations), kind="stable")[:MOST_CENTRES]
    heights, signs = np.abs(deviations[rows]), np.sign(deviations[rows])
    tops = [0, *(top for top in _standing_out(centers[rows], heights, signs, reach, noise) if top != 0)]
    return rows[sorted(tops)[:most]]


def _standing_out(centers: Float64s, heights: Float64s, signs: Float64s, reach: float, noise: float) -> list[int]:
    """Peaks in order of height; the centres come highest first."""
    higher = _higher_neighbours(centers, signs, reach)
    summit = list(range(len(heights)))
    found: list[int] = []

    def summit_of(row: int) -> int:
        while summit[row] != row:
            summit[row] = row = summit[summit[row]]
        return row

    for row, above in enumerate(higher):
        meeting = sorted({summit_of(each) for each in above})
        # Hills meet here: all but the highest end, and count if they rise far enough above this pass.
        found += [top for top in meeting[1:] if heights[top] - heights[row] > noise]
        for top in (*meeting[1:], row):
            summit[top] = meeting[0] if meeting else row
    lone = {summit_of(row) for row in range(len(heights))}
    return found + [top for top in lone if heights[top] > noise]


def _higher_neighbours(centers: Float64s, signs: Float64s, reach: float) -> list[list[int]]:
    """For each centre those within reach that are higher, on the same side of the nominal."""
    pairs = cKDTree(centers).query_pairs(reach, output_type="ndarray")
    pairs = pairs[signs[pairs[:, 0]] == signs[pairs[:, 1]]]
    higher: list[list[int]] = [[] for _ in centers]
    for one, other in np.sort(pairs, axis=1).tolist():
        higher[other].append(one)
    return higher
