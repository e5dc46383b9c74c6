"""The colour scale of deviations: blue for too little material, red for too much, pale yellow at zero.

Colour-blind safe (after ColorBrewer's RdYlBu). It jumps at the tolerance on purpose, so that out of tolerance is seen
at once; grey is kept for places without data and is on the scale nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.pictures.zone import Zone

Floats = NDArray[np.float64]

NO_DATA = (0.70, 0.70, 0.72)
_INSIDE = ((0.55, 0.76, 0.87), (0.80, 0.91, 0.93), (1.00, 0.98, 0.80), (1.00, 0.88, 0.58), (0.99, 0.70, 0.40))
_BELOW = ((0.12, 0.14, 0.42), (0.20, 0.38, 0.68))
_ABOVE = ((0.86, 0.22, 0.15), (0.42, 0.00, 0.10))
_STEPS = 512
_NICE = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """Colours from -`limit_mm` to `limit_mm`; what lies beyond takes the colour of the end."""

    zone: Zone
    limit_mm: float

    def colours(self, deviation_mm: Floats) -> Floats:
        """Red, green and blue from 0 to 1; NaN is no data."""
        share = np.clip(np.nan_to_num(deviation_mm) / self.limit_mm, -1.0, 1.0) * 0.5 + 0.5
        table = self.table()
        found: Floats = table[np.minimum((share * _STEPS).astype(np.int64), _STEPS - 1)]
        found[np.isnan(deviation_mm)] = NO_DATA
        return found

    def table(self) -> Floats:
        """The whole scale as rows of colours, lowest first."""
        middle = (np.arange(_STEPS) + 0.5) / _STEPS * 2.0 - 1.0
        value, zone = middle * self.limit_mm, self.zone
        low, amid, high = zone.lower_mm, zone.middle_mm, zone.upper_mm
        rows = _between(value, _INSIDE, (low, (low + amid) / 2.0, amid, (amid + high) / 2.0, high))
        below, above = value < low, value > high
        rows[below] = _between(value[below], _BELOW, (-self.limit_mm, low))
        rows[above] = _between(value[above], _ABOVE, (high, self.limit_mm))
        return rows


def scale_for(deviation_mm: Floats, zone: Zone) -> Scale:
    """A scale that shows the tolerance well and reaches what the scan reaches, within four tolerances."""
    reached = float(np.percentile(np.abs(deviation_mm), 99.5)) if len(deviation_mm) else 0.0
    wanted = min(max(reached, 1.5 * zone.reach_mm), 4.0 * zone.reach_mm)
    power = 10.0 ** np.floor(np.log10(wanted))
    limit = next(step * power for step in _NICE if step * power >= wanted * (1 - 1e-9))
    return Scale(zone, float(limit))


def _between(value: Floats, colours: tuple[tuple[float, float, float], ...], stops: tuple[float, ...]) -> Floats:
    return np.column_stack([np.interp(value, stops, np.array(colours)[:, channel]) for channel in range(3)])
