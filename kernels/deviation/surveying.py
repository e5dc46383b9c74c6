"""Look over a scan once: which points stand alone, and how much the surface deviates around them.

In: points and their signed distances. Out: `Survey`. Refuses (kernels.errors) unequal shapes, NaN, fewer
than 32 points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.arrays import Float64s, as_points
from kernels.deviation.neighbourhoods import Neighbourhoods, Usual, neighbourhoods, strays
from kernels.errors import NotFinite, TooFewPoints, WrongShape

FEWEST = 32


@dataclass(frozen=True)
class Survey:
    """The points that count, with their neighbourhoods."""

    rows: NDArray[np.intp]
    """(k,) rows of the caller's points that are no strays."""
    points: Float64s
    """(k, 3)"""
    distances: Float64s
    """(k,)"""
    local: Neighbourhoods
    """Its `rows` count within these points."""
    strays: int
    usual: Usual


def survey(points: ArrayLike, distances: ArrayLike) -> Survey:
    """Strays left out and counted, medians of neighbourhoods of the rest."""
    places, measured = _checked(points, distances)
    alone, usual = strays(places, measured)
    rows = np.flatnonzero(~alone)
    if len(rows) < FEWEST:
        raise TooFewPoints(len(rows), FEWEST)
    kept, values = np.ascontiguousarray(places[rows]), measured[rows]
    return Survey(rows, kept, values, neighbourhoods(kept, values), len(places) - len(rows), usual)


def _checked(points: ArrayLike, distances: ArrayLike) -> tuple[Float64s, Float64s]:
    places = np.asarray(as_points(points), np.float64)
    measured = np.asarray(distances, np.float64)
    if measured.shape != (len(places),):
        raise WrongShape("distances", f"({len(places)},)", measured.shape, str(measured.dtype))
    bad = np.flatnonzero(~np.isfinite(measured))
    if len(bad):
        raise NotFinite("distances", len(bad), int(bad[0]))
    if len(places) < FEWEST:
        raise TooFewPoints(len(places), FEWEST)
    return places, measured
