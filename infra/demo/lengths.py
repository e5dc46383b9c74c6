"""Read lengths as people type them: `0.2mm`, `50 um`, `0.008in`. A bare number is refused: units are never guessed."""

from __future__ import annotations

import re

_MILLIMETRES = {"mm": 1.0, "um": 1e-3, "µm": 1e-3, "cm": 10.0, "m": 1000.0, "in": 25.4, "inch": 25.4}
_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([a-zµ]*)\s*", re.IGNORECASE)


class LengthUnclear(ValueError):
    """A length that cannot be read without guessing."""

    def __init__(self, text: str) -> None:
        units = ", ".join(_MILLIMETRES)
        super().__init__(f"'{text}' is not a length with a unit. Write for example 0.2mm (units: {units}).")
        self.text = text


def millimetres(text: str) -> float:
    """`text` in millimetres. Raises LengthUnclear without a known unit, or when it is not above zero."""
    found = _LENGTH.fullmatch(text)
    if not found or found[2].lower() not in _MILLIMETRES or float(found[1]) <= 0:
        raise LengthUnclear(text)
    return float(found[1]) * _MILLIMETRES[found[2].lower()]
