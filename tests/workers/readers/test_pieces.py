"""Scans read by pieces, against the same scans read whole."""

from pathlib import Path

import numpy as np
import pytest

from tests.workers.shop import laz, ply, scanned
from workers.errors import FileCorrupt, FileTruncated
from workers.readers.pieces import open_pieces
from workers.readers.read_scan import read_scan
from workers.readers.units import LengthUnit

POINTS = scanned(count=5_000)


def written(folder: Path, name: str) -> Path:
    path = folder / name
    body = laz(POINTS) if path.suffix == ".laz" else ply(POINTS)
    path.write_bytes(body)
    return path


@pytest.mark.parametrize("name", ["scan.laz", "scan.ply"])
@pytest.mark.parametrize("run", [1, 777, 5_000, 9_000])
def test_pieces_from_any_place_are_the_whole(tmp_path: Path, name: str, run: int) -> None:
    path = written(tmp_path, name)
    pieces = open_pieces(path, LengthUnit.MILLIMETRE)
    assert pieces is not None
    starts = range(0, 5_000, run) if run > 1 else range(4_990, 5_000)
    found = np.concatenate([piece for start in starts for piece in pieces.rows.read(start, run)])
    whole = read_scan(path, LengthUnit.MILLIMETRE).points_mm
    assert np.array_equal(found, whole[-len(found) :])
    assert pieces.rows.count == len(whole)
    assert (pieces.rows.low <= whole.min(axis=0)).all()
    assert (pieces.rows.high >= whole.max(axis=0)).all()


def test_a_format_that_is_read_whole_has_no_pieces(tmp_path: Path) -> None:
    path = tmp_path / "scan.xyz"
    np.savetxt(path, POINTS[:100])
    assert open_pieces(path, LengthUnit.MILLIMETRE) is None
    text = tmp_path / "text.ply"
    text.write_text(
        "ply\nformat ascii 1.0\nelement vertex 1\n"
        "property float x\nproperty float y\nproperty float z\nend_header\n1 2 3\n"
    )
    assert open_pieces(text, LengthUnit.MILLIMETRE) is None


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "scan.ply")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FileTruncated):
        open_pieces(path, LengthUnit.MILLIMETRE)


def test_damage_within_a_laz_file_is_refused_where_it_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "scan.laz")
    body = bytearray(path.read_bytes())
    body[400:9000] = bytes(8600)
    path.write_bytes(bytes(body))
    pieces = open_pieces(path, LengthUnit.MILLIMETRE)
    assert pieces is not None
    with pytest.raises((FileCorrupt, FileTruncated)):
        list(pieces.rows.read(0, 5_000))
