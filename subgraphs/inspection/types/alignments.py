"""What holds a scan to its CAD, as the graph takes and shows it. No loaders, no rules."""

from __future__ import annotations

import strawberry

from subgraphs.inspection import alignment
from subgraphs.serving.scalars import BigInt, Matrix4, Vec3

strawberry.enum(
    alignment.DegreeOfFreedom, description="A motion along or about an axis of the CAD, or of the frame given with it."
)


@strawberry.input(description="A datum (ISO 5459): the plane, cylinder or sphere of the CAD at a place on its face.")
class DatumInput:
    label: str = strawberry.field(description="As on the drawing, such as A.")
    place_mm: Vec3 = strawberry.field(description="On the face, in the CAD's frame.")


@strawberry.input(description="A point at which the part is held along one direction (3-2-1, RPS).")
class ReferencePointInput:
    name: str
    place_mm: Vec3 = strawberry.field(description="On the CAD's surface, in its frame.")
    direction: Vec3 = strawberry.field(description="In which it holds, in the CAD's frame; its length does not matter.")


@strawberry.input(description="What holds the part: one of locked degrees, datums and reference points.")
class AlignmentInput:
    locked_degrees: list[alignment.DegreeOfFreedom] = strawberry.field(
        default_factory=list,
        description="Kept as the pose hint has them, without one as the scan's own coordinates do; the rest is fitted.",
    )
    lock_frame: Matrix4 | None = strawberry.field(
        default=None, description="Whose axes are meant, placed in the CAD's frame. Left out: the CAD's own."
    )
    datums: list[DatumInput] = strawberry.field(
        default_factory=list, description="Primary, secondary, tertiary; what they leave is fitted."
    )
    reference_points: list[ReferencePointInput] = strawberry.field(
        default_factory=list, description="Six are met exactly (three, two and one), more in the mean."
    )
    reference_radius_mm: float | None = strawberry.field(
        default=None,
        description="Of the scan's patch around each reference point. Left out: a hundredth of the part's diagonal.",
    )

    def value(self) -> alignment.AlignmentRequest:
        return alignment.AlignmentRequest(
            locked=tuple(self.locked_degrees),
            lock_frame=None if self.lock_frame is None else tuple(self.lock_frame),
            datums=tuple(alignment.Datum(datum.label, datum.place_mm) for datum in self.datums),
            reference_points=tuple(
                alignment.ReferencePoint(point.name, point.place_mm, point.direction) for point in self.reference_points
            ),
            reference_radius_mm=self.reference_radius_mm,
        )


@strawberry.type(description="How the scan's feature lies on its datum.")
class DatumFit:
    label: str
    points: BigInt
    sigma_mm: float = strawberry.field(description="Robust spread of the scan about its own feature.")
    size_deviation_mm: float = strawberry.field(description="The scan's radius less the nominal one; 0 for a plane.")
    held_degrees: int = strawberry.field(description="How many degrees it takes of those left by the datums before it.")


@strawberry.type(description="What is left at a reference point, along its direction.")
class ReferencePointFit:
    name: str
    residual_mm: float
    uncertainty_mm: float = strawberry.field(description="Standard uncertainty (k = 1) of the scan's patch there.")


@strawberry.type(description="Another pose in which the scan measures the same.")
class AlternativePose:
    transform: Matrix4 = strawberry.field(description="Row by row, scan (mm) to CAD (mm).")
    angle_degrees: float = strawberry.field(description="By which it is turned against the pose taken.")
    cost_ratio: float = strawberry.field(description="Its mean distance from the CAD over that of the pose taken.")


@strawberry.type(description="How sure an alignment is, and what holds it.")
class AlignmentReport:
    converged: bool = strawberry.field(description="The pose came to rest, unconstrained motions left aside.")
    sigma_mm: float = strawberry.field(description="Robust standard deviation of all distances.")
    covariance: list[float] = strawberry.field(
        description="6 by 6, row by row, of a rotation vector (radians), then a translation (mm), about `centerMm` "
        "along the CAD's axes. Zero along what is locked or unconstrained."
    )
    center_mm: Vec3
    corner_uncertainty_mm: float = strawberry.field(
        description="Standard uncertainty (k = 1) of that corner of the part's box whose place is least sure."
    )
    alternatives: list[AlternativePose]
    locked_degrees: list[alignment.DegreeOfFreedom]
    datums: list[DatumFit]
    fitted_motions: list[str] = strawberry.field(description="Motions that no datum holds: settled by best fit.")
    reference_points: list[ReferencePointFit]

    @classmethod
    def of(cls, report: alignment.AlignmentReport) -> AlignmentReport:
        return cls(
            converged=report.converged,
            sigma_mm=report.sigma_mm,
            covariance=list(report.covariance),
            center_mm=Vec3(report.center_mm),
            corner_uncertainty_mm=report.corner_uncertainty_mm,
            alternatives=[
                AlternativePose(
                    transform=Matrix4(pose.transform), angle_degrees=pose.angle_degrees, cost_ratio=pose.cost_ratio
                )
                for pose in report.alternatives
            ],
            locked_degrees=list(report.locked),
            datums=[
                DatumFit(
                    label=fit.label,
                    points=BigInt(fit.points),
                    sigma_mm=fit.sigma_mm,
                    size_deviation_mm=fit.size_deviation_mm,
                    held_degrees=fit.held,
                )
                for fit in report.datums
            ],
            fitted_motions=list(report.by_best_fit),
            reference_points=[
                ReferencePointFit(name=fit.name, residual_mm=fit.residual_mm, uncertainty_mm=fit.uncertainty_mm)
                for fit in report.reference_points
            ],
        )
