"""What the readers hand out: a mesh to measure against, a cloud to measure, and what was noticed on the way.

Lengths are millimetres in float64. Nothing here reads or decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.readers.units import LengthUnit

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

# One job's memory: 100 M points are 2.4 GB in float64. Meshes cost more for each triangle (trees, normals, edges).
MAX_POINTS = 100_000_000
MAX_TRIANGLES = 20_000_000
# Of a scan that is read by pieces, which no memory limits: what a header may promise before it is called damaged.
MAX_STREAMED_POINTS = 10_000_000_000

# Further out than the Moon, in any unit: memory that was never written, not a place.
FARTHEST = 1e12


@dataclass(frozen=True)
class Finding:
    """Something a person should know about a file that was read all the same. `code` is stable."""

    code: str
    message: str


@dataclass(frozen=True, eq=False)
class CadMesh:
    """A part's surface: corners shared between triangles, wound outwards.

    `open_edges` and `crossings` are zero unless flaws were accepted; `crossings` counts where edges pierce the surface.
    """

    vertices_mm: Floats
    triangles: NDArray[np.int32]
    unit: LengthUnit
    watertight: bool
    open_edges: int
    crossings: int
    warnings: tuple[Finding, ...]
    faces: NDArray[np.int32] | None = None
    """(m,) which of the file's own faces each triangle lies on; None where the format has none."""


@dataclass(frozen=True, eq=False)
class ScanCloud:
    """A scan's points. The file's own coordinates are `points_mm + origin_shift_mm`.

    The shift is zero for small coordinates, else whole metres: float32 kernels need points near their origin.
    """

    points_mm: Floats
    colours: NDArray[np.uint8] | None
    unit: LengthUnit
    origin_shift_mm: Floats
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class RawMesh:
    """A mesh as its file has it: own unit, corners perhaps repeated."""

    vertices: Floats
    triangles: Indices
    stated: LengthUnit | None = None
    unit_reason: str = "the format does not carry one"
    unit_binding: bool = False
    warnings: tuple[Finding, ...] = ()
    faces: Indices | None = None
    """(m,) which of the file's own faces each triangle lies on; None where the format has none."""


@dataclass(frozen=True, eq=False)
class RawCloud:
    """A cloud as its file has it. `organised`: a grid of pixels, where invalid points are drop-outs by design."""

    points: Floats
    colours: NDArray[np.uint8] | None = None
    stated: LengthUnit | None = None
    unit_reason: str = "the format does not carry one"
    organised: bool = False
    warnings: tuple[Finding, ...] = ()
