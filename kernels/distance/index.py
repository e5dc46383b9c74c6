"""A mesh made ready for signed distances, and the distances themselves.

`MeshIndex.build(vertices, triangles)` sorts a mesh into a tree once; `signed_distance(points)` measures any number of
points against it. Lengths come out in the unit that mesh and points share.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import Float32s, Float64s, Int32s, Points, aligned_empty, as_points, as_triangles, as_vertices
from kernels.device import all_cores
from kernels.distance.cpu import CHUNK, search
from kernels.distance.lanes import PACKET, POINTS
from kernels.distance.packets import Frame, Packets, bounds, packets_in_morton_order, packets_in_order
from kernels.distance.records import empty_records, write_records
from kernels.distance.surface import Surface, pseudonormals_of, surface_of
from kernels.distance.tree import CHILDREN, Boxes, boxes_over, tree_order
from kernels.errors import EmptyMesh, InvalidParameter, PointsOutOfRange

FARTHEST = 1e9
"""Half extents of the mesh beyond which a point is refused: squares in single precision would overflow."""


@dataclass(frozen=True)
class Distances:
    distance: Float64s
    """(n,) signed, negative inside; NaN for points farther than `max_distance`."""
    triangle: Int32s
    """(n,) row of the closest triangle in the caller's array; -1 for points farther than `max_distance`."""

    def __len__(self) -> int:
        return len(self.distance)


@dataclass(frozen=True)
class MeshIndex:
    """An immutable tree over a mesh; threads and calls may share it."""

    frame: Frame
    surface: Surface
    low: Float64s
    high: Float64s
    """Corners of the box around the triangles that have an area."""
    order: Int32s
    """For each slot the row of its triangle in `surface`."""
    tree: Boxes
    records: Float32s
    corners: Float64s
    pseudonormals: Float32s

    @classmethod
    def build(cls, vertices: ArrayLike, triangles: ArrayLike) -> "MeshIndex":
        """Index a mesh: (v, 3) vertices, (m, 3) vertex numbers, counter-clockwise seen from outside."""
        points = as_vertices(vertices)
        faces = as_triangles(triangles, len(points))
        if len(faces) == 0:
            raise EmptyMesh(0)
        with all_cores() as threads:
            return _indexed(surface_of(points, faces), threads)

    @property
    def triangle_count(self) -> int:
        """Triangles that have an area."""
        return len(self.surface.triangles)

    @property
    def dropped(self) -> int:
        """Triangles left out because they have no area."""
        return self.surface.dropped

    @property
    def watertight(self) -> bool:
        """Whether every edge joins two triangles of one orientation. If not, signs near the open edges are guesses."""
        return self.surface.is_watertight

    @property
    def extent(self) -> float:
        """Longest side of the mesh's box."""
        return float((self.high - self.low).max())

    def signed_distance(self, points: ArrayLike, max_distance: float = math.inf, presorted: bool = False) -> Distances:
        """Distance of every point to its closest triangle, negative inside.

        `presorted` says that neighbours in the array are neighbours in space (any space-filling order): it spares the
        sort and changes nothing but the speed.
        """
        checked = as_points(points)
        if not max_distance > 0:
            raise InvalidParameter("max_distance", max_distance, "above zero")
        if len(checked) == 0:
            return Distances(np.empty(0), np.empty(0, np.int32))
        with all_cores() as threads:
            return self._searched(self._packets(checked, presorted, threads), max_distance)

    def _packets(self, points: Points, presorted: bool, threads: int) -> Packets:
        low_and_high = bounds(points, threads)
        self._refuse_far(points, low_and_high)
        if presorted:
            return packets_in_order(points, self.frame)
        return packets_in_morton_order(points, low_and_high, self.frame, threads)

    def _refuse_far(self, points: Points, low_and_high: Float64s) -> None:
        limit = FARTHEST / self.frame.scale
        center = np.array(self.frame.center)
        if max(np.abs(low_and_high[:3] - center).max(), np.abs(low_and_high[3:] - center).max()) <= limit:
            return
        far = np.flatnonzero((np.abs(points - center) > limit).any(axis=1))
        raise PointsOutOfRange(len(far), int(far[0]), limit)

    def _searched(self, packets: Packets, max_distance: float) -> Distances:
        count = len(packets.order)
        chunks = (count + CHUNK - 1) // CHUNK
        distances, slots = np.empty(count), np.empty(count, np.int32)
        search(
            packets.coordinates,
            packets.order,
            self.tree.boxes,
            self.tree.level_starts,
            self.records,
            self.corners,
            self.pseudonormals,
            max_distance * self.frame.scale,
            1.0 / self.frame.scale,
            aligned_empty((chunks, PACKET), np.float32),
            aligned_empty((chunks, POINTS), np.int32),
            distances,
            slots,
        )
        # One row past the end answers slot -1 (nothing within reach).
        rows = np.append(self.surface.sources[self.order], np.int32(-1))
        return Distances(distances, rows[slots])


def _frame_of(low: Float64s, high: Float64s) -> Frame:
    center = (low + high) / 2
    half = float((high - low).max()) / 2
    return Frame((float(center[0]), float(center[1]), float(center[2])), 2.0 ** -math.ceil(math.log2(half)))


def _indexed(surface: Surface, threads: int) -> MeshIndex:
    used = surface.vertices[np.unique(surface.triangles)]
    low, high = used.min(axis=0), used.max(axis=0)
    frame = _frame_of(low, high)
    normalised = np.ascontiguousarray((surface.vertices - np.array(frame.center)) * frame.scale)
    centroids = np.ascontiguousarray(normalised[surface.triangles].sum(axis=1).T, np.float32)
    order = tree_order(centroids, threads)
    slots = (len(order) + CHILDREN - 1) // CHILDREN * CHILDREN
    corners, records, box_low, box_high = empty_records(slots)
    write_records(normalised, surface.triangles, order, corners, records, box_low, box_high)
    pseudonormals = np.ascontiguousarray(pseudonormals_of(surface)[order])
    return MeshIndex(frame, surface, low, high, order, boxes_over(box_low, box_high), records, corners, pseudonormals)
