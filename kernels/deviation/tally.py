"""Figures of values that are never held whole: tallied piece by piece, merged, told.

    whole = merged([tally(values, lone, lower, upper) for values, lone in pieces], lower, upper)
    mean, low = whole.mean, Distribution(whole).at(0.025)

Counts, mean, squares, extremes, bands and the number in tolerance are those of one pass over all values, up to the
rounding of sums. Percentiles, robust sigma and the histogram come of fine bins: a percentile lies within
`resolution(value)` of the values that rank next to it: the zone's width / 4096 near zero, the value / 4096 far out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kernels.arrays import Float64s, Int64s
from kernels.deviation.neighbourhoods import SIGMA_OF_MEDIAN
from kernels.deviation.summary import BINS, band_edges
from kernels.errors import InvalidParameter

FINENESS = 4096
REACH = 15.0
"""Of the bins, as asinh(value / zone): 1.6 million zones to either side."""
HALF = int(REACH * FINENESS)


@dataclass(frozen=True, eq=False)
class Tally:
    """What is kept of some values. `strays` count apart and are in nothing else."""

    lower: float
    upper: float
    points: int
    strays: int
    mean: float
    squares: float
    """Sum of squared departures from the mean."""
    minimum: float
    maximum: float
    inside: int
    bands: Int64s
    rows: Int64s
    """Bins that are not empty, even steps of asinh(value / zone) from -HALF, in order."""
    counts: Int64s
    """Of each of `rows`."""

    @property
    def sigma(self) -> float:
        return float(np.sqrt(self.squares / max(self.points - 1, 1)))

    @property
    def rms(self) -> float:
        return float(np.sqrt(self.mean**2 + self.squares / self.points))

    @property
    def percent_inside(self) -> float:
        return 100.0 * self.inside / self.points

    @property
    def banded(self) -> tuple[tuple[float, float, int], ...]:
        edges = band_edges(self.lower, self.upper)
        return tuple((float(edges[k]), float(edges[k + 1]), int(points)) for k, points in enumerate(self.bands))


def tally(values: Float64s, strays: int, lower: float, upper: float) -> Tally:
    """Of (n,) values that are no strays."""
    if not lower < upper:
        raise InvalidParameter("lower", lower, f"below the upper limit {upper}")
    if not len(values):
        return nothing(lower, upper, strays)
    mean = float(values.mean())
    bands, _ = np.histogram(values, band_edges(lower, upper))
    steps = np.floor(np.arcsinh(values / (upper - lower)) * FINENESS).astype(np.int64) + HALF
    rows, counts = np.unique(np.clip(steps, 0, 2 * HALF - 1), return_counts=True)
    return Tally(
        lower=lower,
        upper=upper,
        points=len(values),
        strays=strays,
        mean=mean,
        squares=float(((values - mean) ** 2).sum()),
        minimum=float(values.min()),
        maximum=float(values.max()),
        inside=int(np.count_nonzero((values >= lower) & (values <= upper))),
        bands=bands.astype(np.int64),
        rows=rows,
        counts=counts.astype(np.int64),
    )


def merged(tallies: Iterable[Tally], lower: float, upper: float) -> Tally:
    """All of them as one (Chan, Golub and LeVeque 1979 for the squares)."""
    whole = nothing(lower, upper)
    for each in tallies:
        whole = joined(whole, each)
    return whole


def joined(one: Tally, other: Tally) -> Tally:
    count = one.points + other.points
    share = other.points / count if count else 0.0
    apart = other.mean - one.mean
    rows, which = np.unique(np.concatenate([one.rows, other.rows]), return_inverse=True)
    counts = np.zeros(len(rows), np.int64)
    np.add.at(counts, which, np.concatenate([one.counts, other.counts]))
    return Tally(
        lower=one.lower,
        upper=one.upper,
        points=count,
        strays=one.strays + other.strays,
        mean=one.mean + apart * share,
        squares=one.squares + other.squares + apart**2 * one.points * share,
        minimum=min(one.minimum, other.minimum),
        maximum=max(one.maximum, other.maximum),
        inside=one.inside + other.inside,
        bands=one.bands + other.bands,
        rows=rows,
        counts=counts,
    )


def nothing(lower: float, upper: float, strays: int = 0) -> Tally:
    bands = np.zeros(len(band_edges(lower, upper)) - 1, np.int64)
    empty = np.zeros(0, np.int64)
    return Tally(lower, upper, 0, strays, 0.0, 0.0, np.inf, -np.inf, 0, bands, empty, empty)


def resolution(value: float, zone: float) -> float:
    """How far a percentile of about `value` may be off."""
    return float(np.hypot(value, zone)) * 1.001 / FINENESS


class Distribution:
    """Shares below and percentiles, straight lines within the bins; the outermost bins end at the extremes."""

    def __init__(self, whole: Tally) -> None:
        first, last = int(whole.rows[0]), int(whole.rows[-1])
        bins = np.zeros(last + 1 - first, np.int64)
        bins[whole.rows - first] = whole.counts
        steps = np.arange(first - HALF, last + 2 - HALF) / FINENESS
        self._edges = np.clip(np.sinh(steps) * (whole.upper - whole.lower), whole.minimum, whole.maximum)
        self._below = np.concatenate([[0], np.cumsum(bins)]).astype(np.float64)
        self._points = whole.points
        self._reach = max(abs(whole.minimum), abs(whole.maximum))

    def below(self, places: Float64s) -> Float64s:
        return np.interp(places, self._edges, self._below, left=0.0, right=self._points)

    def at(self, share: float) -> float:
        row = int(np.searchsorted(self._below, share * self._points, "left"))
        low, high = self._below[row - 1 : row + 1] if row else (0.0, 0.0)
        within = (share * self._points - low) / (high - low) if high > low else 0.0
        start = self._edges[max(row - 1, 0)]
        return float(start + within * (self._edges[row] - start))

    @property
    def robust_sigma(self) -> float:
        return SIGMA_OF_MEDIAN * self._within(self.at(0.5), 0.5)

    @property
    def p95(self) -> float:
        """Of the absolute values."""
        return self._within(0.0, 0.95)

    def _within(self, centre: float, share: float) -> float:
        """The distance from `centre` within which `share` of the values lie."""
        low, high = 0.0, 2 * self._reach
        for _ in range(80):
            middle = (low + high) / 2
            outer, inner = self.below(np.array([centre + middle, centre - middle]))
            low, high = (middle, high) if outer - inner < share * self._points else (low, middle)
        return high


def histogram_of(whole: Tally) -> tuple[Float64s, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Equal bins over the zone and what most values need; those outside count in the outermost bins."""
    spread = Distribution(whole)
    low, high = spread.at(0.001), spread.at(0.999)
    edges = np.linspace(min(low, whole.lower * 1.2, whole.lower), max(high, whole.upper * 1.2, whole.upper), BINS + 1)
    borders = np.rint(spread.below(edges)).astype(np.int64)
    borders[0], borders[-1] = 0, whole.points
    counts: np.ndarray[tuple[int], np.dtype[np.int64]] = np.diff(borders)
    return edges, counts
