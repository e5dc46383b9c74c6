"""Length units as files and people name them, and the rule that decides which one a file is read in.

A unit is stated by the file, or given by the person, or the file is refused with UnitUnknown: never guessed.
A given unit wins over a stated one, with a warning, except where the format ties it to the geometry (STEP).
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from workers.errors import UnitUnknown


class LengthUnit(Enum):
    """A unit of length. The value is its sign; `mm` is how many millimetres it holds."""

    MICROMETRE = "um"
    MILLIMETRE = "mm"
    CENTIMETRE = "cm"
    METRE = "m"
    INCH = "in"
    FOOT = "ft"
    US_SURVEY_FOOT = "ft-us"

    @property
    def mm(self) -> float:
        return _MILLIMETRES[self]

    @classmethod
    def named(cls, text: str) -> LengthUnit | None:
        """The unit that `text` names ("mm", "Millimeters", "inch"), or None."""
        return _NAMES.get(text.strip().strip("\"'").lower())


_MILLIMETRES = {
    LengthUnit.MICROMETRE: 1e-3,
    LengthUnit.MILLIMETRE: 1.0,
    LengthUnit.CENTIMETRE: 10.0,
    LengthUnit.METRE: 1000.0,
    LengthUnit.INCH: 25.4,
    LengthUnit.FOOT: 304.8,
    LengthUnit.US_SURVEY_FOOT: 1200.0 / 3937.0 * 1000.0,
}
_SPELLINGS = {
    LengthUnit.MICROMETRE: "um µm micrometre micrometer micron",
    LengthUnit.MILLIMETRE: "mm millimetre millimeter",
    LengthUnit.CENTIMETRE: "cm centimetre centimeter",
    LengthUnit.METRE: "m metre meter",
    LengthUnit.INCH: "in inch inche",
    LengthUnit.FOOT: "ft foot",
    LengthUnit.US_SURVEY_FOOT: "ft-us us-ft us_survey_foot",
}
_NAMES = {name + ending: unit for unit, names in _SPELLINGS.items() for name in names.split() for ending in ("", "s")}
_NAMES |= {"feet": LengthUnit.FOOT, "microns": LengthUnit.MICROMETRE}
_STATEMENT = re.compile(r"\bunits?\b\s*(?:[:=]|\bis\b|\bare\b|\s)\s*[\"']?([a-zµ_-]+)", re.IGNORECASE)
UNIT_SIGNS = tuple(unit.value for unit in LengthUnit)


class UnitDecision(NamedTuple):
    unit: LengthUnit
    warning: str | None


def unit_stated_in(text: str) -> LengthUnit | None:
    """The unit that a comment states ("unit: mm", "UNITS=Inches"), or None when none or several are."""
    found = {LengthUnit.named(name) for name in _STATEMENT.findall(text)} - {None}
    return found.pop() if len(found) == 1 else None


def decide_unit(
    file_name: str,
    stated: LengthUnit | None,
    given: LengthUnit | None,
    reason: str = "the format does not carry one",
    binding: bool = False,
) -> UnitDecision:
    """The unit to read `file_name` in. `binding`: what the file states cannot be overruled."""
    if stated is None and given is None:
        raise UnitUnknown(file_name, reason, UNIT_SIGNS)
    if stated is None or given is None or stated is given:
        return UnitDecision(stated or given or LengthUnit.MILLIMETRE, None)
    if binding:
        return UnitDecision(
            stated, f"{file_name} states {stated.value} itself, so the given {given.value} was not used."
        )
    return UnitDecision(given, f"{file_name} states {stated.value}; it was read in {given.value}, as given.")
