"""The length unit that a LAS file's coordinate system states, as GeoTIFF keys or as well-known text.

Refuses degrees. A system that contradicts itself, or that names no unit, answers None with the reason.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from workers.errors import CoordinatesAngular
from workers.readers.units import LengthUnit

if TYPE_CHECKING:
    import laspy

_GEO_KEYS, _WKT = 34735, 2112
_MODEL, _PROJECTED_SYSTEM, _LINEAR_UNIT, _VERTICAL_UNIT, _GEOGRAPHIC_SYSTEM = 1024, 3072, 3076, 4099, 2048
_PROJECTED, _GEOGRAPHIC, _GEOCENTRIC = 1, 2, 3
# EPSG codes of units.
_EPSG_UNITS = {
    9001: LengthUnit.METRE,
    9002: LengthUnit.FOOT,
    9003: LengthUnit.US_SURVEY_FOOT,
    1025: LengthUnit.MILLIMETRE,
    1033: LengthUnit.CENTIMETRE,
}
# UTM zones: WGS 84 north and south, ETRS89, NAD83. Metres by definition.
_METRIC_SYSTEMS = (range(32601, 32661), range(32701, 32761), range(25828, 25839), range(26901, 26924))
_WKT_UNIT = re.compile(r"(?:LENGTH)?UNIT\s*\[\s*\"([^\"]*)\"\s*,\s*([0-9.eE+-]+)", re.IGNORECASE)


class LasUnit(NamedTuple):
    unit: LengthUnit | None
    reason: str


def unit_of_las(name: str, header: laspy.LasHeader) -> LasUnit:
    for record in header.vlrs:
        if record.user_id == "LASF_Projection" and record.record_id == _WKT:
            return _from_text(name, record.record_data_bytes().decode("utf-8", "replace"))
    for record in header.vlrs:
        if record.user_id == "LASF_Projection" and record.record_id == _GEO_KEYS:
            return _from_keys(name, _keys(record.record_data_bytes()))
    return LasUnit(None, "it has no coordinate system")


def _keys(data: bytes) -> dict[int, int]:
    rows = np.frombuffer(data[: len(data) // 8 * 8], "<u2").reshape(-1, 4)[1:]
    # Keys with their value in place; the others point into tables of doubles or text, which units never use.
    return {int(key): int(value) for key, location, _, value in rows if location == 0}


def _from_keys(name: str, keys: dict[int, int]) -> LasUnit:
    model = keys.get(_MODEL)
    if model == _GEOGRAPHIC:
        raise CoordinatesAngular(name)
    unit = _EPSG_UNITS.get(keys.get(_LINEAR_UNIT, 0))
    if unit is None and any(keys.get(_PROJECTED_SYSTEM, 0) in zones for zones in _METRIC_SYSTEMS):
        unit = LengthUnit.METRE
    vertical = _EPSG_UNITS.get(keys.get(_VERTICAL_UNIT, 0))
    if unit is not None and vertical not in (None, unit):
        return LasUnit(None, "its heights are in another unit than its plane")
    if unit is None and model == _GEOCENTRIC and _GEOGRAPHIC_SYSTEM in keys:
        return LasUnit(None, "its coordinate system calls itself geocentric and geographic at once")
    return LasUnit(unit, "its coordinate system states no length unit")


def _from_text(name: str, text: str) -> LasUnit:
    kind = text.lstrip().upper()
    # In well-known text the unit of a system stands last, after those of the systems it is built upon.
    horizontal = text[: text.upper().find("VERT")] if "VERT" in kind and kind.startswith("COMP") else text
    if re.match(r"(GEOGCS|GEOGCRS|GEODCRS|GEOGRAPHICCRS)\b", kind) or (
        kind.startswith("COMP") and not re.search(r"PROJC|LOCAL_CS|ENGC", kind)
    ):
        raise CoordinatesAngular(name)
    found = [_unit_of(sign, factor) for sign, factor in _WKT_UNIT.findall(horizontal)]
    unit = found[-1] if found else None
    vertical = [_unit_of(sign, factor) for sign, factor in _WKT_UNIT.findall(text[len(horizontal) :])]
    if unit is not None and vertical and vertical[-1] is not unit:
        return LasUnit(None, "its heights are in another unit than its plane")
    return LasUnit(unit, "its coordinate system states no length unit")


def _unit_of(sign: str, metres: str) -> LengthUnit | None:
    """By its factor to the metre, which is exact where names vary; radians and degrees fit none."""
    try:
        factor_mm = float(metres) * 1000.0
    except ValueError:
        return None
    near = [unit for unit in LengthUnit if abs(unit.mm - factor_mm) <= 1e-9 * unit.mm]
    angular = re.search(r"deg|rad|grad|unity", sign, re.IGNORECASE)
    return near[0] if near and not angular else None
