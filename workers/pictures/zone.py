"""The tolerance zone of a picture: from `lower_mm` to `upper_mm`, which need not lie evenly about zero."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Zone:
    lower_mm: float
    upper_mm: float

    @property
    def middle_mm(self) -> float:
        """Where the palest colour lies: at zero, or amid a zone that leaves zero out."""
        return 0.0 if self.lower_mm < 0.0 < self.upper_mm else (self.lower_mm + self.upper_mm) / 2.0

    @property
    def reach_mm(self) -> float:
        return max(abs(self.lower_mm), abs(self.upper_mm))

    def words(self) -> str:
        if self.lower_mm == -self.upper_mm:
            return f"within ±{self.upper_mm:g} mm"
        return f"from {signed(self.lower_mm)} to {signed(self.upper_mm)} mm"


@dataclass(frozen=True)
class WorstPlace:
    """Where the scan is far off, and how far."""

    position_mm: tuple[float, float, float]
    deviation_mm: float


def signed(value: float, form: str = "g") -> str:
    """With its sign, a true minus."""
    return "0" if value == 0.0 else f"{value:+{form}}".replace("-", "−")
