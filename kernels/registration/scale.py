"""Whether a scan seems to be in another unit than the CAD.

In: points and vertices. Out: the factor by which the scan's coordinates would have to be multiplied, or None. It only
suspects: nothing is rescaled here. A scan of a small piece of a large part has a ratio of its own, so only ratios close
to those of known units count.
"""

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Points, as_points, as_vertices
from kernels.errors import TooFewPoints

KNOWN = (1000.0, 25.4, 10.0, 100.0, 304.8, 12.0, 25400.0)
"""Metre, inch, centimetre, decimetre, foot to millimetre; foot to inch; mil to millimetre."""
CLOSENESS = 0.12
"""A ratio counts when it is this close to a known one; parts are scanned with strays and not always whole."""


def size(points: Points) -> float:
    """Length of the box that holds all but the outermost 1 % of the points at either end of each axis."""
    low, high = np.percentile(points, (1, 99), axis=0)
    return float(np.linalg.norm(high - low))


def scale_suspicion(points: ArrayLike, vertices: ArrayLike) -> float | None:
    """The factor from the scan's unit to that of the CAD if it looks like a known one other than 1."""
    scan, part = as_points(points), as_vertices(vertices)
    if len(scan) < 3:
        raise TooFewPoints(len(scan), 3)
    spans = size(scan)
    if spans <= 0:
        return None
    ratio = float(np.linalg.norm(np.ptp(part, axis=0))) / spans
    for known in KNOWN:
        for factor in (known, 1 / known):
            if abs(np.log(ratio / factor)) < CLOSENESS:
                return factor
    return None
