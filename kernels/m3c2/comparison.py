"""Two scans compared at core points. Contract: the package's docstring."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.arrays import Float64s, Int64s, as_points
from kernels.cells import Cells, cells_of
from kernels.device import cores_for
from kernels.errors import InvalidParameter, WrongShape
from kernels.m3c2.cylinders import SIDE, means_within

FEWEST = 4
STUDENT = 1.96
WORTH_A_THREAD = 512
"""Core points."""


@dataclass(frozen=True)
class Change:
    """Of each core point; NaN where there is too little to tell."""

    distance: Float64s
    detectable: Float64s
    """LoD95."""
    first_points: Int64s
    second_points: Int64s
    first_spread: Float64s
    second_spread: Float64s

    @property
    def is_significant(self) -> NDArray[np.bool_]:
        """(k,) whether the distance is beyond the level of detection; False where it is unknown."""
        significant: NDArray[np.bool_] = np.abs(self.distance) > self.detectable
        return significant


def compare(
    first: ArrayLike,
    second: ArrayLike,
    cores: ArrayLike,
    normals: ArrayLike,
    radius: float,
    depth: float,
    registration_error: float = 0.0,
) -> Change:
    """The distance from the first scan to the second at each core point, along its normal."""
    for name, length in (("radius", radius), ("depth", depth)):
        if not 0 < length < np.inf:
            raise InvalidParameter(name, length, "above zero")
    if not 0 <= registration_error < np.inf:
        raise InvalidParameter("registration_error", registration_error, "zero or above")
    places, along = np.asarray(as_points(cores, "cores"), np.float64), _directions(normals)
    if along.shape != places.shape:
        raise WrongShape("normals", f"{places.shape}", along.shape, str(along.dtype))
    one, other = (
        _averaged(as_points(cloud, name), places, along, radius, depth)
        for cloud, name in ((first, "first"), (second, "second"))
    )
    enough = (one.counts >= FEWEST) & (other.counts >= FEWEST)
    variance = one.variances / np.maximum(one.counts, 1) + other.variances / np.maximum(other.counts, 1)
    return Change(
        distance=np.where(enough, other.means - one.means, np.nan),
        detectable=np.where(enough, STUDENT * (np.sqrt(variance) + registration_error), np.nan),
        first_points=one.counts,
        second_points=other.counts,
        first_spread=np.where(enough, np.sqrt(one.variances), np.nan),
        second_spread=np.where(enough, np.sqrt(other.variances), np.nan),
    )


@dataclass(frozen=True)
class _Averages:
    counts: Int64s
    means: Float64s
    variances: Float64s


def _averaged(points: ArrayLike, cores: Float64s, normals: Float64s, radius: float, depth: float) -> _Averages:
    cells: Cells = cells_of(np.asarray(points, np.float64), SIDE * radius)
    counts = np.zeros(len(cores), np.int64)
    means, variances = np.zeros(len(cores)), np.zeros(len(cores))
    if len(cells.points):
        with cores_for(len(cores), WORTH_A_THREAD):
            means_within(
                cells.points, cells.keys, cells.low, cells.spans, cells.side,
                cores, normals, radius, depth, counts, means, variances,
            )  # fmt: skip
    return _Averages(counts, means, variances)


def _directions(normals: ArrayLike) -> Float64s:
    found = np.asarray(as_points(normals, "normals"), np.float64)
    lengths = np.linalg.norm(found, axis=1)
    if not np.allclose(lengths, 1.0, atol=1e-3):
        raise InvalidParameter("normals", float(lengths[np.argmax(np.abs(lengths - 1))]), "of length one")
    unit: Float64s = found / lengths[:, None]
    return unit
