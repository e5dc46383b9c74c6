"""Tell a scan in the wrong unit from a scan of the part: by their sizes.

A scan may show a corner of a part, or a part on its table; it is neither thirty times larger nor three hundred times
smaller. Refuses such a pair with ScaleImplausible, which names the unit that would fit.
"""

from __future__ import annotations

import numpy as np

from workers.errors import ScaleImplausible
from workers.readers.units import LengthUnit
from workers.readers.values import CadMesh, Floats, ScanCloud

_LARGEST, _SMALLEST = 30.0, 1.0 / 300.0
# Strays stretch a bounding box, so the outermost part of each axis does not count.
_OUTER_PERCENT = 0.5


def check_scale(file_name: str, scan: ScanCloud, part: CadMesh) -> None:
    """Raises ScaleImplausible when `scan` cannot be a scan of `part` at this scale."""
    low, high = np.percentile(scan.points_mm, [_OUTER_PERCENT, 100.0 - _OUTER_PERCENT], axis=0)
    scan_mm, part_mm = _across(high - low), _across(np.ptp(part.vertices_mm, axis=0))
    ratio = scan_mm / part_mm
    if _SMALLEST <= ratio <= _LARGEST:
        return
    fitting = [unit for unit in LengthUnit if 0.5 < ratio * unit.mm / scan.unit.mm < 2.0]
    advice = f"It was read in {scan.unit.value}"
    if fitting:
        sign = fitting[0].value
        advice += f"; in {sign} it would fit: state the unit that is right, for example --unit {sign}."
    else:
        advice += ": check that it is a scan of this part, and state its unit."
    raise ScaleImplausible(file_name, scan_mm, part_mm, advice)


def _across(extent: Floats) -> float:
    return float(np.linalg.norm(extent))
