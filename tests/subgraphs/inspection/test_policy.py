"""The decision rule of ISO 14253-1, at and around its limits."""

from dataclasses import replace

import pytest

from subgraphs.inspection.alignment import AlignmentRequest, Datum, DegreeOfFreedom, ReferencePoint
from subgraphs.inspection.model import ToleranceRule, Verdict
from subgraphs.inspection.policy import require_alignment, require_rigid, verdict_of
from subgraphs.serving.errors import BadInput
from tests.subgraphs.inspection.measured import IDENTITY, SUMMARY


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.19, 0.19, Verdict.PASS),
        (-0.19, 0.1901, Verdict.INCONCLUSIVE),
        (-0.21, 0.0, Verdict.INCONCLUSIVE),
        (-0.2101, 0.0, Verdict.FAIL),
        (-0.1, 0.2101, Verdict.FAIL),
    ],
)
def test_uncertainty_guards_both_limits(low: float, high: float, verdict: Verdict) -> None:
    summary = replace(SUMMARY, profile_lower_mm=low, profile_upper_mm=high)
    assert verdict_of(summary, ToleranceRule(-0.2, 0.2, 0.01)) is verdict


def test_without_a_given_uncertainty_the_scans_own_is_used() -> None:
    summary = replace(SUMMARY, profile_upper_mm=0.195, uncertainty_mm=0.02)
    assert verdict_of(summary, ToleranceRule(-0.2, 0.2, None)) is Verdict.INCONCLUSIVE
    assert verdict_of(summary, ToleranceRule(-0.2, 0.2, 0.001)) is Verdict.PASS


def test_a_pose_hint_neither_scales_nor_mirrors() -> None:
    require_rigid(IDENTITY, "poseHint")
    for wrong in ((-1.0, *IDENTITY[1:]), (2.0, *IDENTITY[1:]), IDENTITY[:15], (float("nan"), *IDENTITY[1:])):
        with pytest.raises(BadInput):
            require_rigid(wrong, "poseHint")


PLACE = (0.0, 0.0, 0.0)
A = Datum("A", PLACE)
LOCKED = (DegreeOfFreedom.ROTATION_X,)
SIX = tuple(ReferencePoint(name, PLACE, (0.0, 0.0, 1.0)) for name in ("A1", "A2", "A3", "B1", "B2", "C1"))


@pytest.mark.parametrize(
    "asked",
    [
        AlignmentRequest(locked=LOCKED, lock_frame=IDENTITY),
        AlignmentRequest(datums=(A, Datum("B", PLACE), Datum("C", PLACE))),
        AlignmentRequest(reference_points=SIX, reference_radius_mm=2.0),
    ],
)
def test_one_way_to_hold_a_part_is_taken(asked: AlignmentRequest) -> None:
    require_alignment(asked)


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        (AlignmentRequest(), None, "best fit"),
        (AlignmentRequest(locked=LOCKED, datums=(A,)), None, "one of the three"),
        (AlignmentRequest(locked=LOCKED * 2), "lockedDegrees", "once"),
        (AlignmentRequest(locked=LOCKED, lock_frame=(2.0, *IDENTITY[1:])), "lockFrame", "no scale"),
        (AlignmentRequest(datums=(A,), lock_frame=IDENTITY), "lockFrame", "locked degrees"),
        (AlignmentRequest(datums=tuple(Datum(label, PLACE) for label in "ABCD")), "datums", "up to three"),
        (AlignmentRequest(datums=(A, A)), "datums", "name of its own"),
        (AlignmentRequest(datums=(Datum(" ", PLACE),)), "datums", "printable"),
        (AlignmentRequest(reference_points=SIX[:5]), "referencePoints", "5 came"),
        (AlignmentRequest(reference_points=(*SIX, SIX[0])), "referencePoints", "name of its own"),
        (AlignmentRequest(reference_points=(*SIX, ReferencePoint("D", PLACE, PLACE))), "referencePoints", "of D"),
        (AlignmentRequest(reference_points=SIX, reference_radius_mm=0.0), "referenceRadiusMm", "more than 0"),
        (AlignmentRequest(datums=(A,), reference_radius_mm=1.0), "referenceRadiusMm", "reference points"),
    ],
)
def test_an_alignment_that_says_too_much_or_too_little_is_refused(
    asked: AlignmentRequest, field: str | None, said: str
) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        require_alignment(asked)
    assert refused.value.path == ("input", "alignment", *([] if field is None else [field]))
