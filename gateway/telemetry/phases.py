"""What was done for an operation where its trace cannot be written: taken down there, told on the loop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct


class Phase(Struct, frozen=True):
    """Unix nanoseconds. error: the type of what ended it."""

    name: str
    started_ns: int
    ended_ns: int
    error: str | None = None


class Phases:
    """`ended`: in the order in which they ended."""

    def __init__(self) -> None:
        self.ended: list[Phase] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Around the work."""
        started_ns, error = time.time_ns(), None
        try:
            yield
        except Exception as failure:
            error = type(failure).__name__
            raise
        finally:
            self.ended.append(Phase(name, started_ns, max(started_ns, time.time_ns()), error))
