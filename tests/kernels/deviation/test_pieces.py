"""A scan looked over piece by piece, against the same scan looked over at once."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from kernels.arrays import Float64s, Int32s
from kernels.deviation import RegionStatistics, summarise_regions, summarise_survey, survey
from kernels.deviation.pieces import (
    PieceFigures,
    Whole,
    figures_of_piece,
    gathered,
    usual_in_whole,
    whole_regions,
    whole_statistics,
)
from kernels.deviation.regions import face_surfaces
from kernels.deviation.tally import resolution
from kernels.errors import TooFewPoints

LOWER, UPPER = -0.1, 0.1
VERTICES = np.array([[x, y, 0.0] for y in (0.0, 50.0) for x in (0.0, 60.0, 100.0, 130.0)])
TRIANGLES = np.array([[0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6]], np.int32)
FACES = np.array([0, 0, 1, 1, 2, 2], np.int32)
SURFACES = face_surfaces(FACES, VERTICES, TRIANGLES)
COUNT = 40_000


def scan() -> tuple[Float64s, Float64s, Int32s]:
    """Of two faces and a strip of the third, with a bump, a dent and strays; and the triangle of each point."""
    random = np.random.default_rng(5)
    places = random.random((COUNT, 2)) * [105.0, 50.0]
    distances = random.normal(0.004, 0.01, COUNT)
    distances += 0.4 * np.exp(-((places - [58.0, 20.0]) ** 2).sum(axis=1) / 8.0)
    distances -= 0.3 * np.exp(-((places - [85.0, 40.0]) ** 2).sum(axis=1) / 8.0)
    lone = random.choice(COUNT, 60, replace=False)
    distances[lone] += random.uniform(2.0, 9.0, 60)
    triangle = np.where(places[:, 0] < 60.0, 0, np.where(places[:, 0] < 100.0, 2, 4)).astype(np.int32)
    return np.column_stack([places, distances]), distances, triangle


POINTS, DISTANCES, TRIANGLE = scan()
SURVEY = survey(POINTS, DISTANCES)
AT_ONCE = summarise_survey(SURVEY, LOWER, UPPER)
USUAL = usual_in_whole(SURVEY, COUNT)


def regions_at_once() -> tuple[RegionStatistics, ...]:
    nearest = TRIANGLE[SURVEY.rows]
    return summarise_regions(SURVEY, nearest, FACES, VERTICES, TRIANGLES, LOWER, UPPER)


def piece(mine: np.ndarray) -> PieceFigures:
    others = np.setdiff1d(np.arange(COUNT), mine)
    near = cKDTree(POINTS[mine]).query(POINTS[others])[0] <= USUAL.halo
    rows = np.concatenate([mine, others[near]])
    return figures_of_piece(
        POINTS[rows], DISTANCES[rows], FACES[TRIANGLE[rows]], len(mine), USUAL, SURFACES, LOWER, UPPER
    )


def pieces() -> Whole:
    """Cut along borders that cross the bump and both faces."""
    which = np.searchsorted([17.0, 58.5, 80.0], POINTS[:, 0]) * 2 + (POINTS[:, 1] > 21.0)
    return gathered((piece(np.flatnonzero(which == each)) for each in range(8)), LOWER, UPPER)


WHOLE = pieces()


def test_pieces_say_of_the_whole_what_one_look_says() -> None:
    told = whole_statistics(AT_ONCE, WHOLE, USUAL)
    assert (told.points, told.strays, told.bands) == (AT_ONCE.points, AT_ONCE.strays, AT_ONCE.bands)
    assert (told.minimum, told.maximum) == (AT_ONCE.minimum, AT_ONCE.maximum)
    for figure in ("mean", "sigma", "rms", "percent_in_tolerance"):
        assert getattr(told, figure) == pytest.approx(getattr(AT_ONCE, figure), abs=1e-12), figure
    for figure in ("p95", "p2_5", "p97_5", "robust_sigma"):
        known = getattr(AT_ONCE, figure)
        assert getattr(told, figure) == pytest.approx(known, abs=2 * resolution(known, UPPER - LOWER)), figure
    assert told.uncertainty == pytest.approx(AT_ONCE.uncertainty, rel=1e-3)
    # Neighbourhoods have other centres, half a radius apart: their extremes agree to less than the uncertainty.
    assert told.profile_lower == pytest.approx(AT_ONCE.profile_lower, abs=AT_ONCE.uncertainty)
    assert told.profile_upper == pytest.approx(AT_ONCE.profile_upper, abs=AT_ONCE.uncertainty)


def test_the_worst_places_are_the_bump_and_the_dent() -> None:
    worst = whole_statistics(AT_ONCE, WHOLE, USUAL).worst
    assert [place.deviation > 0 for place in worst] == [place.deviation > 0 for place in AT_ONCE.worst]
    for found, known in zip(worst, AT_ONCE.worst, strict=True):
        assert np.linalg.norm(np.subtract(found.position, known.position)[:2]) <= 2 * USUAL.radius


def test_pieces_say_of_faces_what_one_look_says() -> None:
    found = whole_regions(WHOLE, USUAL, SURFACES)
    assert [region.points for region in found] == [region.points for region in regions_at_once()]
    for one, known in zip(found, regions_at_once(), strict=True):
        assert (one.face, one.area, one.middle) == (known.face, known.area, known.middle)
        assert one.coverage == pytest.approx(known.coverage, abs=0.002)
        assert one.figures is not None
        assert known.figures is not None
        assert one.figures.mean == pytest.approx(known.figures.mean, abs=1e-12)
        assert one.figures.sigma == pytest.approx(known.figures.sigma, abs=1e-12)
        # A percentile lies anywhere between the values that rank next to it.
        ordered = np.sort(SURVEY.distances[FACES[TRIANGLE[SURVEY.rows]] == one.face])
        rank, off = int(0.975 * len(ordered)), resolution(0.1, UPPER - LOWER)
        assert ordered[rank - 2] - off <= one.figures.p97_5 <= ordered[rank + 2] + off
        assert one.figures.profile_upper == pytest.approx(known.figures.profile_upper, abs=known.figures.uncertainty)
    assert found[2].coverage < 0.25


def test_a_face_that_nothing_was_seen_of_has_no_figures() -> None:
    only = gathered([piece(np.flatnonzero(POINTS[:, 0] < 40.0))], LOWER, UPPER)
    found = whole_regions(only, USUAL, SURFACES)
    assert [(region.points, region.coverage, region.figures) for region in found[1:]] == [(0, 0.0, None)] * 2


def test_pieces_of_strays_alone_are_refused() -> None:
    alone = np.random.default_rng(0).random((5, 3)) * 1e6
    said = figures_of_piece(alone, np.full(5, 9.0), np.zeros(5, np.int32), 5, USUAL, SURFACES, LOWER, UPPER)
    assert said.faces[0].tally.strays == 5
    with pytest.raises(TooFewPoints):
        whole_statistics(AT_ONCE, gathered([said], LOWER, UPPER), USUAL)


def test_more_neighbourhoods_lead_farther_by_chance() -> None:
    from kernels.deviation.summary import uncertainty_of_extremes

    few, many = (uncertainty_of_extremes(0.01, 100, points) for points in (60_000, 170_000_000))
    assert few == uncertainty_of_extremes(0.01, 100)
    # 1.7 million medians of Gaussian noise: the farthest of them in 95 of 100 scans.
    random = np.random.default_rng(1)
    farthest = [np.abs(random.normal(0.0, 1.0, 1_700_000)).max() for _ in range(20)]
    assert many / few * 4.0 == pytest.approx(float(np.quantile(farthest, 0.95)), abs=0.3)
