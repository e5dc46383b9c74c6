"""Statistics of a deviation map that is never held whole: tallied piece by piece, merged, told.

    whole = merged([tally(values, lone, lower, upper) for values, lone in pieces], lower, upper)
    statistics = retold(of_a_sample, whole)

Counts, mean, sigma, RMS, extremes, bands and the share in tolerance are those of one pass over all values, up to the
rounding of sums. Percentiles, robust sigma and the histogram come of fine bins: a percentile is off by at most
`resolution(value)`, which is the zone's width / 4096 near zero and the value / 4096 far out. What needs neighbours
(profile, worst places, uncertainty) is that of the sample.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from kernels.arrays import Float64s, Int64s
from kernels.deviation.neighbourhoods import SIGMA_OF_MEDIAN
from kernels.deviation.summary import BINS, DeviationStatistics, band_edges
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
    bins: Int64s
    """(2 * HALF,) counts, even steps of asinh(value / zone) about zero."""


def tally(values: Float64s, strays: int, lower: float, upper: float) -> Tally:
    """Of (n,) values that are no strays."""
    if not lower < upper:
        raise InvalidParameter("lower", lower, f"below the upper limit {upper}")
    if not len(values):
        return replace(_nothing(lower, upper), strays=strays)
    mean = float(values.mean())
    bands, _ = np.histogram(values, band_edges(lower, upper))
    rows = np.floor(np.arcsinh(values / (upper - lower)) * FINENESS).astype(np.int64) + HALF
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
        bins=np.bincount(np.clip(rows, 0, 2 * HALF - 1), minlength=2 * HALF),
    )


def merged(tallies: Iterable[Tally], lower: float, upper: float) -> Tally:
    """All of them as one (Chan, Golub and LeVeque 1979 for the squares)."""
    whole = _nothing(lower, upper)
    for each in tallies:
        whole = _joined(whole, each)
    return whole


def _joined(one: Tally, other: Tally) -> Tally:
    count = one.points + other.points
    share = other.points / count if count else 0.0
    apart = other.mean - one.mean
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
        bins=one.bins + other.bins,
    )


def _nothing(lower: float, upper: float) -> Tally:
    empty = np.zeros(2 * HALF, np.int64)
    bands = np.zeros(len(band_edges(lower, upper)) - 1, np.int64)
    return Tally(lower, upper, 0, 0, 0.0, 0.0, np.inf, -np.inf, 0, bands, empty)


def resolution(value: float, zone: float) -> float:
    """How far a percentile of about `value` may be off."""
    return float(np.hypot(value, zone)) * 1.001 / FINENESS


class _Distribution:
    """Shares below and percentiles, straight lines within the bins; the outermost bins end at the extremes."""

    def __init__(self, whole: Tally) -> None:
        steps = np.arange(-HALF, HALF + 1) / FINENESS
        self._edges = np.clip(np.sinh(steps) * (whole.upper - whole.lower), whole.minimum, whole.maximum)
        self._below = np.concatenate([[0], np.cumsum(whole.bins)]).astype(np.float64)
        self._points = whole.points

    def below(self, places: Float64s) -> Float64s:
        return np.interp(places, self._edges, self._below, left=0.0, right=self._points)

    def at(self, share: float) -> float:
        row = int(np.searchsorted(self._below, share * self._points, "left"))
        low, high = self._below[row - 1 : row + 1] if row else (0.0, 0.0)
        within = (share * self._points - low) / (high - low) if high > low else 0.0
        start = self._edges[max(row - 1, 0)]
        return float(start + within * (self._edges[row] - start))

    def within(self, centre: float, share: float, reach: float) -> float:
        """The distance from `centre` within which `share` of the values lie."""
        low, high = 0.0, reach
        for _ in range(80):
            middle = (low + high) / 2
            outer, inner = self.below(np.array([centre + middle, centre - middle]))
            low, high = (middle, high) if outer - inner < share * self._points else (low, middle)
        return high


def retold(sample: DeviationStatistics, whole: Tally) -> DeviationStatistics:
    """What was said of a sample, said of the whole where the whole is known."""
    spread = _Distribution(whole)
    reach = max(abs(whole.minimum), abs(whole.maximum))
    centre = spread.at(0.5)
    edges, counts = _histogram(spread, whole)
    return replace(
        sample,
        points=whole.points,
        strays=whole.strays,
        mean=whole.mean,
        sigma=float(np.sqrt(whole.squares / max(whole.points - 1, 1))),
        rms=float(np.sqrt(whole.mean**2 + whole.squares / whole.points)),
        robust_sigma=SIGMA_OF_MEDIAN * spread.within(centre, 0.5, 2 * reach),
        minimum=whole.minimum,
        maximum=whole.maximum,
        p95=spread.within(0.0, 0.95, reach),
        p2_5=spread.at(0.025),
        p97_5=spread.at(0.975),
        percent_in_tolerance=100.0 * whole.inside / whole.points,
        bands=tuple(
            (float(low), float(high), int(count))
            for (low, high), count in zip(_pairs(band_edges(whole.lower, whole.upper)), whole.bands, strict=True)
        ),
        histogram_edges=edges,
        histogram_counts=counts,
    )


def _pairs(edges: Float64s) -> list[tuple[float, float]]:
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _histogram(spread: _Distribution, whole: Tally) -> tuple[Float64s, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Equal bins over the zone and what most values need; those outside count in the outermost bins."""
    low, high = spread.at(0.001), spread.at(0.999)
    edges = np.linspace(min(low, whole.lower * 1.2, whole.lower), max(high, whole.upper * 1.2, whole.upper), BINS + 1)
    borders = np.rint(spread.below(edges)).astype(np.int64)
    borders[0], borders[-1] = 0, whole.points
    counts: np.ndarray[tuple[int], np.dtype[np.int64]] = np.diff(borders)
    return edges, counts
