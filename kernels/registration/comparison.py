"""Whether one pose of a scan tells itself apart from another, and whether it matters which is taken.

In: the signed distances of the same points in two poses. Out: a `Likeness`. A point is changed when its distance
differs by more than the noise; it speaks for the pose where it is nearer to the surface. Noise moves a point alike in
both poses, so what is changed is changed by the part's shape.
"""

import enum

import numpy as np

from kernels.arrays import Float64s

SIGMA_OF_MEDIAN = 1.4826
CHANGED = 1e-3
"""Share of changed points up to which two poses measure the same."""
OF_STRAYS = 0.1
"""And this share of the strays: they lie near the surface by chance, in one pose or in the other."""
DECISIVE = 3.0
"""How many points must speak for a pose against each that speaks for the other."""
FEWEST_CHANGED = 5
NEGLIGIBLE = 1e-4
"""Of the lever: differences below count for none, as a tessellation's facets are no coarser than this."""


class Likeness(enum.Enum):
    SAME = "same"
    FIRST = "first"
    """The first pose fits better, beyond doubt."""
    SECOND = "second"
    UNDECIDED = "undecided"
    """They measure differently, and the scan does not say which is right."""


def noise_of(distances: Float64s, lever: float) -> float:
    """Robust standard deviation about the median: a part that is larger all over is no noisier for it."""
    spread = SIGMA_OF_MEDIAN * float(np.median(np.abs(distances - np.median(distances))))
    return max(spread, NEGLIGIBLE * lever)


def likeness(first: Float64s, second: Float64s, noise: float, reach: float) -> Likeness:
    """Compare two poses point by point; points farther than `reach` in both are strays.

    The first pose is an optimum. What it could not fit in the middle (a ring that is larger all over) no pose could: it
    is taken off both, lest half of the points speak for any motion that brings them nearer at the cost of the others.
    """
    near = (np.abs(first) < reach) | (np.abs(second) < reach)
    changed = near & (np.abs(first - second) > noise)
    allowed = max(CHANGED + OF_STRAYS * float(np.mean(np.abs(first) >= reach)), FEWEST_CHANGED / len(first))
    if changed.mean() <= allowed:
        return Likeness.SAME
    middle = float(np.median(first))
    a, b = np.abs(first - middle), np.abs(second - middle)
    for_first = np.count_nonzero(near & (b - a > noise))
    for_second = np.count_nonzero(near & (a - b > noise))
    if for_first >= DECISIVE * for_second and for_first > 0:
        return Likeness.FIRST
    if for_second >= DECISIVE * for_first and for_second > 0:
        return Likeness.SECOND
    return Likeness.UNDECIDED
