from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from infra.demo.alignment_options import OptionUnclear, add_options, alignment_of, matrix_of


def asked(*words: str) -> dict[str, object] | None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return alignment_of(parser.parse_args(words))


def test_without_a_word_the_whole_scan_is_fitted() -> None:
    assert asked() is None


def test_each_way_of_holding_a_part_is_read(tmp_path: Path) -> None:
    frame = tmp_path / "frame.txt"
    frame.write_text("1 0 0 10\n0 1 0 20\n0 0 1 30\n0 0 0 1\n")
    assert asked("--lock", "tz, RX", "--lock-frame", str(frame)) == {
        "lockedDegrees": ["TRANSLATION_Z", "ROTATION_X"],
        "lockFrame": [1, 0, 0, 10, 0, 1, 0, 20, 0, 0, 1, 30, 0, 0, 0, 1],
    }
    assert asked("--datum", "A=1,2,-3", "--datum", "B=4,5,6.5") == {
        "datums": [{"label": "A", "placeMm": [1, 2, -3]}, {"label": "B", "placeMm": [4, 5, 6.5]}]
    }
    assert asked("--reference-point", "A1=1,2,3/0,0,-1", "--reference-radius", "0.1in") == {
        "referencePoints": [{"name": "A1", "placeMm": [1, 2, 3], "direction": [0, 0, -1]}],
        "referenceRadiusMm": pytest.approx(2.54),
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--lock", "tz,up"), "tx, ty, tz"),
        (("--datum", "1,2,3"), "A=10,20,0"),
        (("--datum", "A=1,2"), "A=10,20,0"),
        (("--datum", "=1,2,3"), "A=10,20,0"),
        (("--reference-point", "A1=1,2,3"), "A1=10,20,0/0,0,-1"),
        (("--reference-point", "A1=1,2,x/0,0,1"), "A1=10,20,0/0,0,-1"),
    ],
)
def test_what_cannot_be_read_is_refused_with_an_example(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(OptionUnclear, match=said):
        asked(*words)


@pytest.mark.parametrize("text", [None, "", "1 2 3", "1 " * 15 + "x", "1 " * 17])
def test_a_file_without_a_transform_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "pose.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(OptionUnclear, match="4 lines of 4 numbers"):
        matrix_of(path)
