"""How much planning one operation may cost: steps, so that equal operations fare alike, and seconds for the worst."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.planner.errors import PlanTooComplex

_STEPS_BETWEEN_LOOKS = 512


class Budget:
    """Counts down; refuses at zero, and when `seconds` have passed on `now`: of this thread's own work, others not."""

    def __init__(
        self, steps: int = 200_000, seconds: float = 10.0, now: Callable[[], float] = time.thread_time
    ) -> None:
        self.allowed = steps
        self.left = steps
        self._seconds = seconds
        self._now = now
        self._ends_at = now() + seconds
        self._next_look = steps - _STEPS_BETWEEN_LOOKS

    def spend(self, steps: int = 1) -> None:
        """Take steps from what is left."""
        self.left -= steps
        if self.left < 0:
            raise PlanTooComplex(f"{self.allowed} steps")
        if self.left < self._next_look:
            self._next_look = self.left - _STEPS_BETWEEN_LOOKS
            if self._now() > self._ends_at:
                raise PlanTooComplex(f"{self._seconds:g} s")
