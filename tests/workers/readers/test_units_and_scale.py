from __future__ import annotations

import numpy as np
import pytest

from workers.errors import ScaleImplausible
from workers.readers.scale import check_scale
from workers.readers.units import LengthUnit, decide_unit, unit_stated_in
from workers.readers.values import CadMesh, ScanCloud

MM = LengthUnit.MILLIMETRE


def part_across(box: tuple[np.ndarray, np.ndarray]) -> CadMesh:
    return CadMesh(box[0], box[1].astype(np.int32), MM, True, 0, 0, ())


def scan_of(points_mm: np.ndarray, unit: LengthUnit = MM) -> ScanCloud:
    return ScanCloud(points_mm, None, unit, np.zeros(3), ())


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("unit: mm", LengthUnit.MILLIMETRE),
        ("UNITS=Inches", LengthUnit.INCH),
        ("obj_info units are metres", LengthUnit.METRE),
        ("# unit um", LengthUnit.MICROMETRE),
        ("Unit: furlong", None),
        ("unit: mm\nunit: in", None),
        ("the united states of meters", None),
    ],
)
def test_a_stated_unit_is_found_only_where_it_is_plain(text: str, unit: LengthUnit | None) -> None:
    assert unit_stated_in(text) is unit


def test_what_a_format_binds_cannot_be_overruled() -> None:
    decided = decide_unit("part.step", LengthUnit.INCH, MM, binding=True)
    assert decided.unit is LengthUnit.INCH
    assert decided.warning is not None


def test_a_us_survey_foot_is_not_a_foot() -> None:
    assert LengthUnit.US_SURVEY_FOOT.mm == pytest.approx(304.8006096, abs=1e-7)


def test_a_scan_a_thousand_times_too_large_is_refused_and_the_unit_named(box: tuple[np.ndarray, np.ndarray]) -> None:
    read_as_metres = scan_of(box[0] * 1000.0, LengthUnit.METRE)
    with pytest.raises(ScaleImplausible, match=r"1e\+03 times.*--unit mm"):
        check_scale("scan.ply", read_as_metres, part_across(box))


def test_a_scan_a_thousand_times_too_small_is_refused(box: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ScaleImplausible, match="--unit m"):
        check_scale("scan.ply", scan_of(box[0] / 1000.0), part_across(box))


def test_a_scan_of_a_corner_or_with_its_table_passes(box: tuple[np.ndarray, np.ndarray]) -> None:
    check_scale("scan.ply", scan_of(box[0] * 0.05), part_across(box))
    check_scale("scan.ply", scan_of(box[0] * 10.0), part_across(box))


def test_a_few_strays_far_away_do_not_make_a_scan_too_large(box: tuple[np.ndarray, np.ndarray]) -> None:
    points = np.concatenate([np.tile(box[0], (100, 1)), [[1e6, 0.0, 0.0]]])
    check_scale("scan.ply", scan_of(points), part_across(box))
