"""Statistics of a deviation map, its local profile and its worst places. Contract: the package's docstring."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from kernels.arrays import Float64s
from kernels.deviation.autocorrelation import effective_count
from kernels.deviation.neighbourhoods import SIGMA_OF_MEDIAN
from kernels.deviation.peaks import peaks
from kernels.deviation.surveying import Survey, survey
from kernels.errors import InvalidParameter

BINS = 80
MOST_PLACES = 20
NOISE_OF_MEDIAN = 1.2533
"""The standard error of a median over that of a mean, for Gaussian noise: sqrt(pi / 2)."""
EXTREME = 4.0
"""Standard errors that the extreme of thousands of neighbourhoods strays by chance: this takes the place of k = 2."""
CONFIDENCE = 0.9545
"""Of k = 2."""


@dataclass(frozen=True)
class WorstPlace:
    """Where the part deviates most in its neighbourhood."""

    position: tuple[float, float, float]
    deviation: float


@dataclass(frozen=True)
class DeviationStatistics:
    """Lengths in the unit of the points. `bands` are (from, to, points), open ends infinite."""

    points: int
    strays: int
    mean: float
    sigma: float
    rms: float
    robust_sigma: float
    minimum: float
    maximum: float
    p95: float
    """Of the absolute deviations."""
    p2_5: float
    p97_5: float
    percent_in_tolerance: float
    effective_points: float
    """How many independent points would know the mean as well: neighbours in a scan repeat one another."""
    bands: tuple[tuple[float, float, int], ...]
    histogram_edges: Float64s
    histogram_counts: np.ndarray[tuple[int], np.dtype[np.int64]]
    profile_lower: float
    profile_upper: float
    uncertainty: float
    worst: tuple[WorstPlace, ...]


def summarise(points: ArrayLike, distances: ArrayLike, lower: float, upper: float) -> DeviationStatistics:
    """All that is said of one scan against the zone [lower, upper]."""
    return summarise_survey(survey(points, distances), lower, upper)


def summarise_survey(found: Survey, lower: float, upper: float) -> DeviationStatistics:
    """The same of points whose strays and neighbourhoods are known already."""
    if not lower < upper:
        raise InvalidParameter("lower", lower, f"below the upper limit {upper}")
    values = found.distances
    robust = robust_sigma(values)
    uncertainty = uncertainty_of_extremes(robust, found.local.members)
    edges, counts = _histogram(values, lower, upper)
    low, high = np.percentile(values, (2.5, 97.5))
    return DeviationStatistics(
        points=len(values),
        strays=found.strays,
        mean=float(values.mean()),
        sigma=float(values.std(ddof=1)),
        rms=float(np.sqrt(np.mean(values**2))),
        robust_sigma=robust,
        minimum=float(values.min()),
        maximum=float(values.max()),
        p95=float(np.percentile(np.abs(values), 95)),
        p2_5=float(low),
        p97_5=float(high),
        percent_in_tolerance=100.0 * float(np.mean((values >= lower) & (values <= upper))),
        effective_points=effective_count(found.points, values),
        bands=_bands(values, lower, upper),
        histogram_edges=edges,
        histogram_counts=counts,
        profile_lower=float(found.local.deviations.min()),
        profile_upper=float(found.local.deviations.max()),
        uncertainty=uncertainty,
        worst=worst_places(found.local.centers, found.local.deviations, found.local.radius, uncertainty),
    )


def robust_sigma(values: Float64s) -> float:
    """What sigma would be without the tails: the scaled median departure from the median."""
    return SIGMA_OF_MEDIAN * float(np.median(np.abs(values - np.median(values))))


def uncertainty_of_extremes(robust: float, members: int, points: int = 0) -> float:
    """Expanded uncertainty of the lowest and highest of many medians of `members` points.

    points: of all neighbourhoods, where they are so many that chance alone leads farther than `EXTREME`.
    """
    independent = max(points / members, 1.0)
    strayed = max(EXTREME, float(-ndtri((1.0 - CONFIDENCE) / 2.0 / independent)))
    return float(strayed * NOISE_OF_MEDIAN * robust / np.sqrt(members))


def _bands(values: Float64s, lower: float, upper: float) -> tuple[tuple[float, float, int], ...]:
    edges = band_edges(lower, upper)
    counts, _ = np.histogram(values, edges)
    return tuple((float(edges[k]), float(edges[k + 1]), int(counts[k])) for k in range(len(counts)))


def band_edges(lower: float, upper: float) -> Float64s:
    """Halves of the zone, as much again on either side, and beyond."""
    middle, width = (lower + upper) / 2, upper - lower
    return np.array([-np.inf, lower - width / 2, lower, middle, upper, upper + width / 2, np.inf])


def _histogram(
    values: Float64s, lower: float, upper: float
) -> tuple[Float64s, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """BINS equal bins over the zone and what most values need; those outside count in the outermost bins."""
    low, high = np.percentile(values, (0.1, 99.9))
    edges = np.linspace(min(float(low), lower * 1.2, lower), max(float(high), upper * 1.2, upper), BINS + 1)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return edges, counts.astype(np.int64)


def worst_places(centers: Float64s, deviations: Float64s, radius: float, noise: float) -> tuple[WorstPlace, ...]:
    """The places that deviate most, each once."""
    chosen = peaks(centers, deviations, radius, noise, MOST_PLACES)
    return tuple(
        WorstPlace((float(x), float(y), float(z)), float(deviations[row]))
        for row, (x, y, z) in zip(chosen, centers[chosen], strict=True)
    )
