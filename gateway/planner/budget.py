"""How much planning one operation may cost, counted in steps: no clock, so that equal operations always fare alike."""

from __future__ import annotations

from gateway.planner.errors import PlanTooComplex


class Budget:
    """Counts down; refuses at zero."""

    def __init__(self, steps: int = 200_000) -> None:
        self.allowed = steps
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        """Take steps from what is left."""
        self.left -= steps
        if self.left < 0:
            raise PlanTooComplex(self.allowed)
