"""A mesh made ready for signed distances, and the distances themselves.

`MeshIndex.build(vertices, triangles)` sorts a mesh into a tree once; `signed_distance(points)` measures any number of
points against it. Lengths come out in the unit that mesh and points share.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import assert_never

import numpy as np
from numpy.typing import ArrayLike

from kernels.arrays import (
    Float32s,
    Float64s,
    Int32s,
    Points,
    SmallInts,
    as_triangles,
    as_vertices,
    refuse_not_finite,
    shaped_points,
)
from kernels.device import Device, cores_for, device
from kernels.distance import cpu, directional
from kernels.distance.describe import describe, name_rows
from kernels.distance.directional import Seen, seen_along
from kernels.distance.normals import Normals, normals_of, pseudonormals_of
from kernels.distance.packets import Frame, Packets, bounds, packets_in_morton_order, packets_in_order
from kernels.distance.records import empty_records, normalise, write_centroids, write_records
from kernels.distance.surface import Edges, Surface, bounds_of_corners, paired_edges, surface_of
from kernels.distance.tree import CHILDREN, Boxes, boxes_over, tree_order
from kernels.distance.ways import AlongDirection, AlongNormal, Feature, Shortest, Way
from kernels.errors import EmptyMesh, InvalidParameter, PointsOutOfRange

SHORTEST = Shortest()
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
class Deviations(Distances):
    """Distances, and what they were measured to."""

    feature: SmallInts
    """(n,) what of the triangle, a number of `Feature`; -1 where there is no triangle."""
    normal: Float64s
    """(n, 3) unit normal of the surface there, outwards: the face's, or the angle-weighted one of edge or corner."""


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
        with cores_for(len(faces)) as threads:
            return _indexed(*surface_of(points, faces), threads)

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
        if presorted:
            with self._checked(points, max_distance) as (checked, _, _):
                return self._as_rows(*self._searched_in_order(checked, max_distance))
        with self._packed(points, max_distance, presorted) as packets:
            return self._as_rows(*self._searched(packets, max_distance))

    def deviations(
        self, points: ArrayLike, way: Way = SHORTEST, max_distance: float = math.inf, presorted: bool = False
    ) -> Deviations:
        """Distance of every point measured in a way of `kernels.distance.ways`, with feature and normal.

        Where nothing is found within `max_distance` (along the normal: where the closest point is farther) the distance
        is NaN. Along a direction the feature is always the face. Refuses a direction that is none.
        """
        match way:
            case Shortest() | AlongNormal():
                with self._packed(points, max_distance, presorted) as packets:
                    found = self._searched(packets, max_distance)
                    return self._described(packets, *found, along_normal=isinstance(way, AlongNormal))
            case AlongDirection():
                with cores_for(self.triangle_count):
                    seen = seen_along(_unit_vector(way.direction), self.corners, self.triangle_count)
                with self._packed(points, max_distance, presorted) as packets:
                    return self._face_described(*self._searched_along(seen, packets, max_distance))
        assert_never(way)

    @contextmanager
    def _checked(self, points: ArrayLike, max_distance: float) -> Iterator[tuple[Points, Float64s, int]]:
        """Points and their bounds, and the cores held while they are measured."""
        shaped = shaped_points(points)
        if not max_distance > 0:
            raise InvalidParameter("max_distance", max_distance, "above zero")
        with cores_for(len(shaped)) as threads:
            low_and_high = np.zeros(6)
            if len(shaped):
                low_and_high = bounds(shaped, threads)
                if np.isnan(low_and_high[0]):
                    refuse_not_finite(shaped, "points")
                self._refuse_far(shaped, low_and_high)
            yield shaped, low_and_high, threads

    @contextmanager
    def _packed(self, points: ArrayLike, max_distance: float, presorted: bool) -> Iterator[Packets]:
        with self._checked(points, max_distance) as (checked, low_and_high, threads):
            if presorted or len(checked) == 0:
                yield packets_in_order(checked, self.frame)
            else:
                yield packets_in_morton_order(checked, low_and_high, self.frame, threads)

    def _refuse_far(self, points: Points, low_and_high: Float64s) -> None:
        limit = FARTHEST / self.frame.scale
        center = np.array(self.frame.center)
        if max(np.abs(low_and_high[:3] - center).max(), np.abs(low_and_high[3:] - center).max()) <= limit:
            return
        far = np.flatnonzero((np.abs(points - center) > limit).any(axis=1))
        raise PointsOutOfRange(len(far), int(far[0]), limit)

    def _searched(self, packets: Packets, max_distance: float) -> tuple[Float64s, Int32s]:
        """Distances and slots, in the caller's order."""
        search = partial(_engine().search, packets.coordinates, packets.order)
        return self._found(search, len(packets.order), max_distance)

    def _searched_in_order(self, points: Points, max_distance: float) -> tuple[Float64s, Int32s]:
        """Distances and slots of points that are neighbours as they come."""
        search = partial(_engine().search_in_order, points, (*self.frame.center, self.frame.scale))
        return self._found(search, len(points), max_distance)

    def _found(self, search: Callable[..., None], count: int, max_distance: float) -> tuple[Float64s, Int32s]:
        distances, slots = np.empty(count), np.empty(count, np.int32)
        search(
            self.tree.boxes,
            self.tree.level_starts,
            self.records,
            self.corners,
            self.pseudonormals,
            max_distance * self.frame.scale,
            1.0 / self.frame.scale,
            distances,
            slots,
        )
        return distances, slots

    def _searched_along(self, seen: Seen, packets: Packets, max_distance: float) -> tuple[Float64s, Int32s]:
        count = len(packets.order)
        distances, slots = np.empty(count), np.empty(count, np.int32)
        _engine().search_along(
            packets.coordinates,
            packets.order,
            seen.turn,
            seen.tree.boxes,
            seen.tree.level_starts,
            seen.corners,
            max_distance * self.frame.scale,
            1.0 / self.frame.scale,
            distances,
            slots,
        )
        return distances, slots

    def _as_rows(self, distances: Float64s, slots: Int32s) -> Distances:
        return Distances(distances, self._rows(slots))

    def _rows(self, slots: Int32s) -> Int32s:
        """The caller's triangles in the place of slots; nothing within reach stays -1."""
        name_rows(slots, self.surface.sources[self.order])
        return slots

    def _described(self, packets: Packets, distances: Float64s, slots: Int32s, along_normal: bool) -> Deviations:
        features, normals = np.empty(len(slots), np.int8), np.empty((len(slots), 3))
        describe(
            packets.coordinates,
            packets.order,
            slots,
            self.corners,
            self.order,
            self.surface.turns,
            self.surface.triangles,
            self.normals.faces,
            self.normals.edges,
            self.normals.corners,
            self.normals.edge_of_half,
            1.0 / self.frame.scale,
            along_normal,
            distances,
            features,
            normals,
        )
        return Deviations(distances, self._rows(slots), features, normals)

    def _face_described(self, distances: Float64s, slots: Int32s) -> Deviations:
        features = np.where(slots < 0, Feature.NONE, Feature.FACE).astype(np.int8)
        normals = np.append(self.normals.faces[self.order], np.full((1, 3), np.nan), axis=0)[slots]
        return Deviations(distances, self._rows(slots), features, normals)

    @cached_property
    def normals(self) -> Normals:
        """In double precision; made when first asked for, since signs alone do not need them."""
        return normals_of(self.surface, paired_edges(self.surface.triangles, len(self.surface.vertices)))


@dataclass(frozen=True)
class _Engine:
    """The searches, on one device."""

    search: Callable[..., None]
    search_in_order: Callable[..., None]
    search_along: Callable[..., None]


def _engine() -> _Engine:
    match device():
        case Device.CPU:
            return _Engine(cpu.search, cpu.search_in_order, directional.search_along)
        case Device.CUDA:
            from kernels.distance import cuda

            return _Engine(cuda.search, cuda.search_in_order, cuda.search_along)


def _unit_vector(direction: tuple[float, float, float]) -> Float64s:
    vector = np.asarray(direction, np.float64)
    largest = float(np.abs(vector).max()) if vector.shape == (3,) else math.nan
    if not 0 < largest < math.inf:
        raise InvalidParameter("direction", direction, "three finite numbers, not all of them zero")
    vector = vector / largest
    unit: Float64s = vector / np.linalg.norm(vector)
    return unit


def _frame_of(low: Float64s, high: Float64s) -> Frame:
    center = (low + high) / 2
    half = float((high - low).max()) / 2
    return Frame((float(center[0]), float(center[1]), float(center[2])), 2.0 ** -math.ceil(math.log2(half)))


def _indexed(surface: Surface, edges: Edges, threads: int) -> MeshIndex:
    low, high = bounds_of_corners(surface.vertices, surface.triangles)
    frame = _frame_of(low, high)
    normalised = np.empty_like(surface.vertices)
    normalise(surface.vertices, frame.center, frame.scale, normalised)
    centroids = np.empty((len(surface.triangles), 3), np.float32)
    write_centroids(normalised, surface.triangles, centroids)
    order = tree_order(centroids, threads)
    slots = (len(order) + CHILDREN - 1) // CHILDREN * CHILDREN
    corners, records, box_low, box_high = empty_records(slots)
    write_records(normalised, surface.triangles, order, corners, records, box_low, box_high)
    pseudonormals = pseudonormals_of(surface, normals_of(surface, edges), order)
    return MeshIndex(frame, surface, low, high, order, boxes_over(box_low, box_high), records, corners, pseudonormals)
