"""Read a scan: PLY, PCD, LAS/LAZ/COPC, E57 or text in, finite points in millimetres near their origin out.

Points that are NaN or infinite are drop-outs: left out and reported. In an organised cloud (a grid of pixels) any share
of them is normal; elsewhere more than MAX_NOT_FINITE_PERCENT means that the export went wrong, and the file is refused.
Refuses also what cannot be read, a scan without points and a scan without a unit (workers/errors.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from workers.errors import CloudEmpty, CloudNotFinite
from workers.readers.e57 import read_e57
from workers.readers.formats import SCAN_FORMATS, Format, format_of
from workers.readers.las import read_las
from workers.readers.pcd import read_pcd
from workers.readers.ply import read_ply_cloud
from workers.readers.text import read_text
from workers.readers.units import LengthUnit, decide_unit
from workers.readers.values import FARTHEST, Finding, Floats, Mask, RawCloud, ScanCloud

MAX_NOT_FINITE_PERCENT = 5.0
# Coordinates beyond 10 m are moved near zero, by whole metres.
_NEAR_MM = 10_000.0

_READERS: dict[Format, Callable[[Path], RawCloud]] = {
    Format.PLY: read_ply_cloud,
    Format.PCD: read_pcd,
    Format.LAS: read_las,
    Format.E57: read_e57,
    Format.TEXT: read_text,
}


def read_scan(path: Path, unit: LengthUnit | None = None) -> ScanCloud:
    """The scan in `path`. `unit` is needed where the file states none."""
    raw = _READERS[format_of(path, "scan", SCAN_FORMATS)](path)
    if not len(raw.points):
        raise CloudEmpty(path.name)
    kept, dropped = _usable(path.name, raw)
    decided = decide_unit(path.name, raw.stated, unit, raw.unit_reason)
    points = raw.points if kept.all() else raw.points[kept]
    shift_mm = shift_for(points.min(axis=0) * decided.unit.mm, points.max(axis=0) * decided.unit.mm)
    # Shifted in the file's own unit: scaling first would round large coordinates once more.
    points_mm = (points - shift_mm / decided.unit.mm) * decided.unit.mm
    said = (Finding("UNIT_CONTRADICTED", decided.warning),) if decided.warning else ()
    colours = raw.colours[kept] if raw.colours is not None else None
    return ScanCloud(points_mm, colours, decided.unit, shift_mm, raw.warnings + said + dropped)


def _usable(name: str, raw: RawCloud) -> tuple[Mask, tuple[Finding, ...]]:
    """Which points are places, and what was said about the others."""
    total = len(raw.points)
    finite: Mask = np.all(np.abs(raw.points) < FARTHEST, axis=1)
    bad = total - int(np.count_nonzero(finite))
    if bad == total:
        raise CloudEmpty(name, f"all {total:,} are NaN or infinite")
    if not raw.organised and bad * 100.0 > MAX_NOT_FINITE_PERCENT * total:
        raise CloudNotFinite(name, bad, total, MAX_NOT_FINITE_PERCENT)
    # One point may lie at the origin by chance. Several mean a sensor that writes its drop-outs as zeros.
    zero = finite & (raw.points == 0.0).all(axis=1)
    zeros = int(np.count_nonzero(zero))
    if zeros > 1:
        finite &= ~zero
        if zeros + bad == total:
            raise CloudEmpty(name, f"all {total:,} are zero or not finite")
    found = []
    if bad:
        found.append(Finding("NOT_FINITE_POINTS", f"{bad:,} of {total:,} points were NaN or infinite and left out."))
    if zeros > 1:
        found.append(Finding("ZERO_POINTS", f"{zeros:,} of {total:,} points were exactly zero and left out."))
    return finite, tuple(found)


def shift_for(low_mm: Floats, high_mm: Floats) -> Floats:
    """By how much points between these corners are moved near zero."""
    if max(float(np.abs(low_mm).max()), float(np.abs(high_mm).max())) <= _NEAR_MM:
        return np.zeros(3)
    middle: Floats = np.round((low_mm + high_mm) / 2.0, -3)
    return middle
