"""The facts of finished pieces, as they are kept with the job; and the sizes that a large scan is cut into.

In and out: frozen values. Nothing here reads or decides.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from workers.clouds.grid import Grid

PLAN, RUN, TILE, MEASURED = "plan", "run", "tile", "measured"
"""The stages of kept pieces."""


class Sizes(Struct, frozen=True):
    """In points. Memory follows `run` (about 60 bytes a point), `tile` (about 400) and `sample` (about 900)."""

    large: int = 4_000_000
    """Scans with more go by pieces."""
    run: int = 6_000_000
    block: int = 16_384
    tile: int = 1_000_000
    """About: tiles end where blocks of runs begin."""
    sample: int = 1_000_000


class Plan(Struct, frozen=True):
    """What is decided when a scan is opened, and holds for whoever takes the job over."""

    name: str
    grid: Grid
    records: int
    sizes: Sizes

    @property
    def runs(self) -> int:
        return -(-self.records // self.sizes.run)

    def records_of(self, number: int) -> int:
        """How many of the file's records this run holds."""
        return min(self.sizes.run, self.records - number * self.sizes.run)


class RunFacts(Struct, frozen=True):
    points: int
    not_finite: int
    zeros: int


class TileFacts(Struct, frozen=True):
    """Cells of the corners; `sha256` is of the object.

    cubes: the coarse ones that it fills, three bytes each; None of tiles that an older worker has kept.
    """

    points: int
    low: tuple[int, int, int]
    high: tuple[int, int, int]
    sha256: str
    cubes: bytes | None = None


class MeasuredFacts(Struct, frozen=True):
    """One tile under one pose. Its deviations and what it says are objects; `sha256` is of the deviations."""

    pose: str
    sha256: str


class IndexedTile(Struct, frozen=True):
    """One tile of the index. Corners in millimetres of the file's coordinates."""

    points_key: str
    points_sha256: str
    deviations_key: str
    deviations_sha256: str
    points: int
    low_mm: tuple[float, float, float]
    high_mm: tuple[float, float, float]


class Index(Struct, frozen=True):
    """The cloud in the store: tiles along the Morton curve. A point is `cell * step_mm + origin_mm` of the file."""

    step_mm: float
    origin_mm: tuple[float, float, float]
    points: int
    tiles: list[IndexedTile]

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)
