"""What the report says in words."""

from __future__ import annotations

from dataclasses import replace

from subgraphs.inspection.alignment import AlignmentReport, DatumFit, DegreeOfFreedom, ReferencePointFit
from workers.reporting import held_by

PLAIN = AlignmentReport(
    converged=True,
    sigma_mm=0.01,
    covariance=(0.0,) * 36,
    center_mm=(0.0, 0.0, 0.0),
    corner_uncertainty_mm=0.001,
)


def test_a_report_says_what_holds_the_part() -> None:
    datums = (DatumFit("A", 4000, 0.0021, 0.0, 3), DatumFit("B-1", 900, 0.003, 0.01, 2))
    points = (ReferencePointFit("RP-1", -0.0123, 0.001), ReferencePointFit("RP-2", 0.004, 0.001))
    assert held_by(PLAIN) == "best fit of the whole scan"
    assert held_by(replace(PLAIN, datums=datums, by_best_fit=("turning about Z",))) == (
        "datum A (3 of 6 degrees, sigma 0.0021 mm); datum B-1 (2 of 6 degrees, sigma 0.0030 mm); "
        "best fit of turning about Z"
    )
    assert held_by(replace(PLAIN, reference_points=points)) == (
        "reference points, with what is left at each: RP-1 −0.0123 mm, RP-2 +0.0040 mm"
    )
    assert held_by(replace(PLAIN, locked=(DegreeOfFreedom.TRANSLATION_Z, DegreeOfFreedom.ROTATION_X))) == (
        "best fit, with these degrees as the scan came: translation z, rotation x"
    )
