"""Measure one scan against its nominal mesh: the kernels in order, and their findings as inspection's values.

In: the scan's facts, a mesh and a cloud in millimetres. Out: everything that is decided on and drawn. Arithmetic only:
it runs in a thread and touches no store. Refuses what readers and kernels refuse.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kernels import device
from kernels.deviation import (
    DeviationStatistics,
    LocalFigures,
    RegionStatistics,
    Survey,
    summarise_regions,
    summarise_survey,
    survey,
)
from kernels.distance import MeshIndex
from kernels.faces import Cylinder, Plane, Sphere
from kernels.form import profile
from kernels.registration import Registration
from subgraphs.inspection.alignment import AlignmentReport, Transform
from subgraphs.inspection.model import (
    Band,
    DeviationSummary,
    FaceShape,
    Pictures,
    Product,
    RegionFigures,
    RegionResult,
    Scan,
    Sha256Hex,
    ToleranceRule,
    WorstPoint,
)
from subgraphs.inspection.policy import verdict_between
from subgraphs.inspection.service.results import Measured, Registered
from workers.aligning import aligned
from workers.features import Feature, features_of, filtered_places, normals_of
from workers.meshes import NominalMesh
from workers.readers.scale import check_scale
from workers.readers.units import LengthUnit
from workers.readers.values import CadMesh, ScanCloud

Floats = NDArray[np.float64]

_SHAPES = {Plane: FaceShape.PLANE, Cylinder: FaceShape.CYLINDER, Sphere: FaceShape.SPHERE}


@dataclass(frozen=True, eq=False)
class Measuring:
    """Points in the CAD frame with their signed deviations, and what is said of them."""

    points_mm: Floats
    deviations_mm: Floats
    transform: Transform
    registration: Registration
    alignment: AlignmentReport
    statistics: DeviationStatistics
    regions: tuple[RegionStatistics, ...]
    features: tuple[Feature, ...]
    """Of the regions, in their order."""
    profile_mm: float
    """Width of the narrowest profile zone without datum, of medians."""
    survey: Survey
    """Of these points: which are no strays, and how much the surface deviates around them."""
    sample_of: int | None = None
    """How many points `statistics` and `regions` are of, where the points are but a sample of them."""


def measure(scan: Scan, mesh: NominalMesh, cloud: ScanCloud, tell: Callable[[str], None]) -> Measuring:
    """Check the scale, register, measure, summarise; `tell` hears each stage as it begins."""
    check_scale(scan.file.name, cloud, _as_cad_mesh(mesh))
    tell("register")
    index = MeshIndex.build(mesh.vertices_mm, mesh.triangles)
    found_pose = aligned(index, mesh, cloud.points_mm, cloud.origin_shift_mm, scan.pose_hint, scan.alignment)
    pose = found_pose.registration.transform
    tell("measure")
    points = cloud.points_mm @ pose[:3, :3].T + pose[:3, 3]
    measured = index.signed_distance(points)
    tell("summarise")
    found = survey(points, measured.distance)
    nearest = measured.triangle[found.rows]
    lower, upper = scan.rule.lower_mm, scan.rule.upper_mm
    statistics = summarise_survey(found, lower, upper)
    regions = summarise_regions(found, nearest, mesh.faces, mesh.vertices_mm, mesh.triangles, lower, upper)
    features = features_of(mesh, found, nearest, regions)
    return Measuring(
        points_mm=points,
        deviations_mm=measured.distance,
        transform=found_pose.transform,
        registration=found_pose.registration,
        alignment=found_pose.report,
        statistics=statistics,
        regions=regions,
        features=features,
        profile_mm=_profile(mesh, index, found, nearest),
        survey=found,
    )


def _profile(mesh: NominalMesh, index: MeshIndex, found: Survey, nearest: NDArray[np.int32]) -> float:
    outward = normals_of(mesh)[nearest[found.local.rows]]
    return profile(index, filtered_places(found, outward)).width


def measured_values(
    found: Measuring,
    rule: ToleranceRule,
    deviations_key: str,
    deviations_sha256: Sha256Hex,
    pictures: Pictures,
    products: tuple[Product, ...],
) -> Measured:
    """The findings as inspection keeps them."""
    told, pose = found.statistics, found.registration
    return Measured(
        points=found.sample_of or len(found.points_mm),
        registered=Registered(
            transform=found.transform,
            fitness=pose.fitness,
            rms_mm=pose.rms,
            ambiguous=pose.ambiguous,
            unconstrained=tuple(motion.describe() for motion in pose.unconstrained),
            method=f"{pose.method}{_of_sample(found)}; distances on {device.described()}",
            report=found.alignment,
        ),
        summary=summary_of(found),
        bands=tuple(Band(_limit(low), _limit(high), points) for low, high, points in told.bands),
        worst=tuple(
            WorstPoint(rank, place.position, place.deviation) for rank, place in enumerate(told.worst, start=1)
        ),
        histogram_edges_mm=tuple(map(float, told.histogram_edges)),
        histogram_counts=tuple(map(int, told.histogram_counts)),
        deviations_key=deviations_key,
        deviations_sha256=deviations_sha256,
        pictures=pictures,
        regions=regions_of(found, rule),
        products=products,
        profile_mm=found.profile_mm,
    )


def _of_sample(found: Measuring) -> str:
    return "" if found.sample_of is None else f", {len(found.points_mm):,} of {found.sample_of:,} points"


def summary_of(found: Measuring) -> DeviationSummary:
    told = found.statistics
    return DeviationSummary(
        points=told.points,
        mean_mm=told.mean,
        sigma_mm=told.sigma,
        rms_mm=told.rms,
        minimum_mm=told.minimum,
        maximum_mm=told.maximum,
        p95_mm=told.p95,
        percent_in_tolerance=told.percent_in_tolerance,
        profile_lower_mm=told.profile_lower,
        profile_upper_mm=told.profile_upper,
        uncertainty_mm=told.uncertainty,
        strays=told.strays,
        robust_sigma_mm=told.robust_sigma,
        p025_mm=told.p2_5,
        p975_mm=told.p97_5,
        effective_points=told.effective_points,
        sampled_points=None if found.sample_of is None else len(found.points_mm),
    )


def regions_of(found: Measuring, rule: ToleranceRule) -> tuple[RegionResult, ...]:
    """The faces as inspection keeps them, each judged like the whole."""
    return tuple(_region(region, feature, rule) for region, feature in zip(found.regions, found.features, strict=True))


def _region(region: RegionStatistics, feature: Feature, rule: ToleranceRule) -> RegionResult:
    figures, form = region.figures, feature.form
    verdict = None
    if figures is not None:
        guard = figures.uncertainty if rule.uncertainty_mm is None else rule.uncertainty_mm
        verdict = verdict_between(figures.profile_lower, figures.profile_upper, guard, rule)
    return RegionResult(
        face=region.face,
        shape=_SHAPES.get(type(feature.shape), FaceShape.FREEFORM),
        area_mm2=region.area,
        coverage=region.coverage,
        points=region.points,
        middle_mm=region.middle,
        figures=None if figures is None else _figures(figures),
        verdict=verdict,
        form_mm=form.width_mm,
        position_mm=form.position_mm,
        form_uncertainty_mm=form.uncertainty_mm,
    )


def _figures(told: LocalFigures) -> RegionFigures:
    return RegionFigures(
        mean_mm=told.mean,
        sigma_mm=told.sigma,
        rms_mm=told.rms,
        robust_sigma_mm=told.robust_sigma,
        p025_mm=told.p2_5,
        p975_mm=told.p97_5,
        percent_in_tolerance=told.percent_in_tolerance,
        profile_lower_mm=told.profile_lower,
        profile_upper_mm=told.profile_upper,
        uncertainty_mm=told.uncertainty,
    )


def _as_cad_mesh(mesh: NominalMesh) -> CadMesh:
    return CadMesh(
        mesh.vertices_mm, mesh.triangles, LengthUnit.MILLIMETRE, watertight=True, open_edges=0, crossings=0, warnings=()
    )


def _limit(edge: float) -> float | None:
    return edge if math.isfinite(edge) else None
