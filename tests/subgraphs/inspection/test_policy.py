"""The decision rule of ISO 14253-1, at and around its limits."""

from dataclasses import replace

import pytest

from subgraphs.inspection.model import ToleranceRule, Verdict
from subgraphs.inspection.policy import require_rigid, verdict_of
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
    require_rigid(IDENTITY)
    for wrong in ((-1.0, *IDENTITY[1:]), (2.0, *IDENTITY[1:]), IDENTITY[:15], (float("nan"), *IDENTITY[1:])):
        with pytest.raises(BadInput):
            require_rigid(wrong)
