from __future__ import annotations

import pytest

from infra.demo.lengths import LengthUnclear, millimetres


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.2mm", 0.2), ("50 um", 0.05), ("0.008in", 0.2032), ("1e-1 mm", 0.1), (".5MM", 0.5), ("2 cm", 20.0)],
)
def test_a_length_is_read_in_its_unit(text: str, expected: float) -> None:
    assert millimetres(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["0.2", "", "mm", "-1mm", "0mm", "1 furlong", "1 mm 2"])
def test_a_length_without_a_clear_unit_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(LengthUnclear, match=r"0\.2mm"):
        millimetres(text)
