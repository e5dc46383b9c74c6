"""Draw what was measured: heat map, histogram, report, and what viewers load: scene, tiles, sections.

In: what was inspected and what was found. Out: bytes of files, the same for the same input. Decides nothing: the
verdict in the report is the rule's, which the commit that follows writes down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from kernels.deviation import DeviationStatistics
from subgraphs.inspection.alignment import AlignmentReport
from subgraphs.inspection.model import Asset, CadRevision, ProductKind, Scan
from subgraphs.inspection.policy import reason_for, uncertainty_of, verdict_of
from workers.measuring import Measuring, summary_of
from workers.meshes import NominalMesh
from workers.pictures.heat_map import heat_map_png
from workers.pictures.histogram import histogram_png
from workers.pictures.painted import Painted
from workers.pictures.report import ReportFacts, report_pdf
from workers.pictures.scene import scene_glb
from workers.pictures.sections import sections_png
from workers.pictures.zone import WorstPlace, Zone, signed
from workers.sections import sections_json, sections_of
from workers.tiles import tiles_of

_WORST_COUNT = 5


@dataclass(frozen=True)
class Subject:
    """What was inspected, for whom, by whom and when. Names as they are now; ids stand where there is none."""

    workspace: str
    operator: str
    asset: Asset
    scan: Scan
    cad: CadRevision
    decided_at: datetime

    @property
    def zone(self) -> Zone:
        return Zone(self.scan.rule.lower_mm, self.scan.rule.upper_mm)


@dataclass(frozen=True)
class Drawn:
    heat_map_png: bytes
    histogram_png: bytes
    report_pdf: bytes
    made: tuple[Made, ...]


@dataclass(frozen=True)
class Made:
    """A product of the deviation map, as it will lie in the store."""

    kind: ProductKind
    file_name: str
    media_type: str
    body: bytes


def draw(subject: Subject, mesh: NominalMesh, found: Measuring) -> Drawn:
    title = f"{subject.asset.name} · {subject.asset.serial_number}"
    told, zone = found.statistics, subject.zone
    subtitle = f"{told.points:,} points · {told.percent_in_tolerance:.2f} % {zone.words()}"
    worst = [WorstPlace(place.position, place.deviation) for place in told.worst[:_WORST_COUNT]]
    painted = Painted.of(mesh, found.points_mm, found.deviations_mm, zone)
    heat_map = heat_map_png(painted, worst, title, subtitle)
    histogram = histogram_png(found.survey, painted.scale, _figures(told), title)
    return Drawn(
        heat_map,
        histogram,
        report_pdf(_facts(subject, found), heat_map, histogram, worst),
        _made(mesh, found, painted, title),
    )


def _made(mesh: NominalMesh, found: Measuring, painted: Painted, title: str) -> tuple[Made, ...]:
    zone, worst = painted.scale.zone, found.statistics.worst
    tiles = tiles_of(found.points_mm, found.deviations_mm, zone, found.sample_of)
    place = np.array(worst[0].position) if worst else None
    points, deviations = found.survey.points, found.survey.distances
    sections = sections_of(mesh, points, deviations, place, found.survey.local.radius)
    picture = sections_png(sections, painted.scene, painted.scale, title)
    return (
        *_scene(mesh, painted, title),
        Made(ProductKind.TILES, "tiles.bin", "application/octet-stream", tiles.body),
        Made(ProductKind.TILE_INDEX, "tiles.json", "application/json", tiles.index),
        Made(ProductKind.SECTIONS, "sections.json", "application/json", sections_json(sections, zone)),
        Made(ProductKind.SECTIONS_PICTURE, "sections.png", "image/png", picture),
    )


def _scene(mesh: NominalMesh, painted: Painted, title: str) -> list[Made]:
    """None where the part is too fine for one."""
    body = scene_glb(mesh, painted.values.at, painted.scale, title)
    return [] if body is None else [Made(ProductKind.SCENE, "scene.glb", "model/gltf-binary", body)]


def _figures(told: DeviationStatistics) -> list[tuple[str, str]]:
    return [
        ("Points", f"{told.points:,}"),
        ("Strays left out", f"{told.strays:,}"),
        ("In tolerance", f"{told.percent_in_tolerance:.2f} %"),
        ("Mean", f"{signed(told.mean, '.4f')} mm"),
        ("Sigma", f"{told.sigma:.4f} mm"),
        ("Robust sigma", f"{told.robust_sigma:.4f} mm"),
        ("RMS", f"{told.rms:.4f} mm"),
        ("P2.5", f"{signed(told.p2_5, '.4f')} mm"),
        ("P97.5", f"{signed(told.p97_5, '.4f')} mm"),
    ]


def _facts(subject: Subject, found: Measuring) -> ReportFacts:
    scan, told, pose = subject.scan, found.statistics, found.registration
    summary = summary_of(found)
    verdict = verdict_of(summary, scan.rule)
    guard = uncertainty_of(summary, scan.rule)
    return ReportFacts(
        workspace=subject.workspace,
        asset=subject.asset.name,
        serial=subject.asset.serial_number,
        cad_revision=subject.cad.name,
        cad_sha256=subject.cad.file.sha256,
        scan_name=scan.file.name,
        scan_sha256=scan.file.sha256,
        points=told.points,
        sampled_points=summary.sampled_points,
        held_by=held_by(found.alignment),
        alignment_fitness=pose.fitness,
        alignment_rms_mm=pose.rms,
        unconstrained=[motion.describe() for motion in pose.unconstrained],
        zone=subject.zone,
        decision_rule=f"ISO 14253-1: {scan.rule.lower_mm:+g} to {scan.rule.upper_mm:+g} mm, U = {guard:.4f} mm (k = 2)",
        percent_in_tolerance=told.percent_in_tolerance,
        mean_mm=told.mean,
        sigma_mm=told.sigma,
        rms_mm=told.rms,
        p95_mm=told.p95,
        verdict=verdict.value,
        reason=reason_for(verdict, summary, scan.rule, pose.ambiguous),
        operator=subject.operator,
        decided_at=subject.decided_at,
        report_id=str(scan.id),
    )


def held_by(told: AlignmentReport) -> str:
    """What holds the part, and how well each of it is met; a sentence for people."""
    if told.datums:
        datums = [f"datum {fit.label} ({fit.held} of 6 degrees, sigma {fit.sigma_mm:.4f} mm)" for fit in told.datums]
        rest = [f"best fit of {', '.join(told.by_best_fit)}"] if told.by_best_fit else []
        return "; ".join([*datums, *rest])
    if told.reference_points:
        points = [f"{fit.name} {signed(fit.residual_mm, '.4f')} mm" for fit in told.reference_points]
        return f"reference points, with what is left at each: {', '.join(points)}"
    if told.locked:
        names = ", ".join(degree.value.lower().replace("_", " ") for degree in told.locked)
        return f"best fit, with these degrees as the scan came: {names}"
    return "best fit of the whole scan"
