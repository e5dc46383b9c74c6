"""A scan that is never held whole: each piece is looked over by itself, and what is said of pieces merges.

    usual = usual_in_whole(survey_of_a_sample, points_of_the_whole)
    surfaces = face_surfaces(faces, vertices, triangles)
    said = [figures_of_piece(points, distances, faces_of_points, own, usual, surfaces, lower, upper) for ... in pieces]
    whole = gathered(said, lower, upper)
    statistics, regions = whole_statistics(of_the_sample, whole, usual), whole_regions(whole, usual, surfaces)

A piece is its own points with those around it (`halo` wide, from other pieces), so that neighbours are found across its
border and each point counts once. Neighbourhoods hold as many points as in a scan that is held whole. From the sample
come only what is usual for a stray, how far a neighbourhood reaches (at the density of the whole), and the number of
effective points.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kernels.arrays import Float64s, Int32s, Int64s
from kernels.deviation.neighbourhoods import Neighbourhoods, Usual, neighbourhoods_of_piece, strays_of_piece
from kernels.deviation.peaks import MOST_CENTRES
from kernels.deviation.regions import NEAR, FaceSurface, LocalFigures, RegionStatistics, groups, seen
from kernels.deviation.summary import DeviationStatistics, uncertainty_of_extremes, worst_places
from kernels.deviation.surveying import FEWEST, Survey
from kernels.deviation.tally import Distribution, Tally, histogram_of, joined, nothing, tally
from kernels.errors import TooFewPoints


@dataclass(frozen=True)
class UsualInWhole:
    """What holds for every piece."""

    points: Usual
    radius: float
    """Of a neighbourhood."""
    members: int

    @property
    def halo(self) -> float:
        """How far around a piece its points' neighbours are looked for."""
        return 2.0 * self.radius


@dataclass(frozen=True, eq=False)
class FacePiece:
    """`lowest` and `highest` local deviation: infinite (the wrong way round) without a centre."""

    face: int
    tally: Tally
    lowest: float
    highest: float


@dataclass(frozen=True, eq=False)
class PieceFigures:
    """What merges. `face` -1 stands for everything, with or without a face; the others follow in order."""

    faces: tuple[FacePiece, ...]
    seen: Int64s
    """Rows of the surfaces' places, one face's after the other's, near which a point lies."""
    centers: Float64s
    """(k, 3) of the neighbourhoods that deviate most."""
    deviations: Float64s


def usual_in_whole(sample: Survey, points: int) -> UsualInWhole:
    """What a sample tells of a whole of so many points: on a surface, distances go with the root of the density."""
    closer = float(np.sqrt((len(sample.points) + sample.strays) / points))
    usual = replace(sample.usual, apart=sample.usual.apart * closer)
    return UsualInWhole(usual, sample.local.radius * closer, sample.local.members)


def figures_of_piece(
    points: Float64s,
    distances: Float64s,
    face_of_point: Int32s,
    own: int,
    usual: UsualInWhole,
    surfaces: Sequence[FaceSurface],
    lower: float,
    upper: float,
) -> PieceFigures:
    """The first `own` points are the piece's, those around it come after them. Face -1: none."""
    kept = np.flatnonzero(~strays_of_piece(points, distances, usual.points))
    mine = int(np.searchsorted(kept, own))
    places, values, faces = points[kept], distances[kept], face_of_point[kept[:mine]]
    all_of_it = tally(values[:mine], own - mine, lower, upper)
    if mine == 0:
        empty = FacePiece(-1, all_of_it, np.inf, -np.inf)
        return PieceFigures((empty,), np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    local = neighbourhoods_of_piece(places, values, mine, usual.radius, usual.members)
    whole = FacePiece(-1, all_of_it, float(local.deviations.min()), float(local.deviations.max()))
    found, near = _faces(places[:mine], values[:mine], faces, local, usual, surfaces, (lower, upper))
    top = np.argsort(-np.abs(local.deviations), kind="stable")[:MOST_CENTRES]
    return PieceFigures((whole, *found), near, local.centers[top], local.deviations[top])


def _faces(
    points: Float64s,
    values: Float64s,
    face_of_point: Int32s,
    local: Neighbourhoods,
    usual: UsualInWhole,
    surfaces: Sequence[FaceSurface],
    zone: tuple[float, float],
) -> tuple[list[FacePiece], Int64s]:
    """Those faces that a point of the piece lies on, and the places that they are seen at."""
    begins = np.concatenate([[0], np.cumsum([len(surface.places) for surface in surfaces])]).astype(np.int64)
    members = groups(face_of_point, len(surfaces))
    centres = groups(face_of_point[local.rows], len(surfaces))
    found, near = [], [np.zeros(0, np.int64)]
    for face, (rows, seeds) in enumerate(zip(members, centres, strict=True)):
        if len(rows):
            medians = local.deviations[seeds]
            low, high = float(medians.min(initial=np.inf)), float(medians.max(initial=-np.inf))
            found.append(FacePiece(face, tally(values[rows], 0, *zone), low, high))
            near.append(begins[face] + _seen(points[rows], values[rows], surfaces[face].places, usual.radius))
    return found, np.concatenate(near)


def _seen(points: Float64s, values: Float64s, places: Float64s, radius: float) -> Int64s:
    """Only places about these points are asked, for each piece sees little of a large face."""
    reach = NEAR * radius + float(np.abs(values).max())
    low, high = points.min(axis=0) - reach, points.max(axis=0) + reach
    asked = np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))
    return asked[seen(points, values, places[asked], radius)] if len(asked) else asked


@dataclass(frozen=True, eq=False)
class Whole:
    """Everything that pieces said. `faces` by number, -1 for everything."""

    faces: dict[int, FacePiece]
    seen: Int64s
    centers: Float64s
    deviations: Float64s


def gathered(pieces: Iterable[PieceFigures], lower: float, upper: float) -> Whole:
    """In the order in which they come: the same order gives the same sums, to the last bit."""
    faces = {-1: FacePiece(-1, nothing(lower, upper), np.inf, -np.inf)}
    near, centers, deviations = np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0)
    for piece in pieces:
        for each in piece.faces:
            faces[each.face] = _face(faces[each.face], each) if each.face in faces else each
        near = np.union1d(near, piece.seen)
        centers, deviations = np.concatenate([centers, piece.centers]), np.concatenate([deviations, piece.deviations])
        top = np.argsort(-np.abs(deviations), kind="stable")[:MOST_CENTRES]
        centers, deviations = centers[top], deviations[top]
    return Whole(faces, near, centers, deviations)


def _face(one: FacePiece, other: FacePiece) -> FacePiece:
    lowest, highest = min(one.lowest, other.lowest), max(one.highest, other.highest)
    return FacePiece(one.face, joined(one.tally, other.tally), lowest, highest)


def whole_statistics(sample: DeviationStatistics, whole: Whole, usual: UsualInWhole) -> DeviationStatistics:
    """Of all points. Refuses fewer than 32 that are no strays."""
    told = whole.faces[-1].tally
    if told.points < FEWEST:
        raise TooFewPoints(told.points, FEWEST)
    figures = _figures(whole.faces[-1], usual)
    edges, counts = histogram_of(told)
    return DeviationStatistics(
        points=told.points,
        strays=told.strays,
        mean=figures.mean,
        sigma=figures.sigma,
        rms=figures.rms,
        robust_sigma=figures.robust_sigma,
        minimum=told.minimum,
        maximum=told.maximum,
        p95=Distribution(told).p95,
        p2_5=figures.p2_5,
        p97_5=figures.p97_5,
        percent_in_tolerance=figures.percent_in_tolerance,
        effective_points=sample.effective_points,
        bands=told.banded,
        histogram_edges=edges,
        histogram_counts=counts,
        profile_lower=figures.profile_lower,
        profile_upper=figures.profile_upper,
        uncertainty=figures.uncertainty,
        worst=worst_places(whole.centers, whole.deviations, usual.radius, figures.uncertainty),
    )


def whole_regions(whole: Whole, usual: UsualInWhole, surfaces: Sequence[FaceSurface]) -> tuple[RegionStatistics, ...]:
    """Of every face, in order of their numbers."""
    begins = np.concatenate([[0], np.cumsum([len(surface.places) for surface in surfaces])])
    near = np.diff(np.searchsorted(whole.seen, begins))
    found = []
    for surface in surfaces:
        said = whole.faces.get(surface.face)
        found.append(
            RegionStatistics(
                face=surface.face,
                area=surface.area,
                middle=surface.middle,
                points=said.tally.points if said else 0,
                coverage=float(near[surface.face]) / len(surface.places),
                figures=_figures(said, usual) if said and _is_enough(said) else None,
            )
        )
    return tuple(found)


def _is_enough(said: FacePiece) -> bool:
    return said.tally.points >= FEWEST and said.lowest <= said.highest


def _figures(said: FacePiece, usual: UsualInWhole) -> LocalFigures:
    told = said.tally
    spread = Distribution(told)
    robust = spread.robust_sigma
    return LocalFigures(
        mean=told.mean,
        sigma=told.sigma,
        rms=told.rms,
        robust_sigma=robust,
        p2_5=spread.at(0.025),
        p97_5=spread.at(0.975),
        percent_in_tolerance=told.percent_inside,
        profile_lower=said.lowest,
        profile_upper=said.highest,
        uncertainty=uncertainty_of_extremes(robust, usual.members, told.points),
    )
