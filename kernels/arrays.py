"""The arrays that kernels take, checked once at the border: points, vertices, triangles, transforms.

In: anything NumPy can see as an array. Out: C-contiguous arrays of the declared type, without a copy where the input
already is one. Refuses other shapes, NaN and infinity, and triangles that name no vertex. Kernels behind this border
may therefore assume finite numbers.
"""

from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.errors import IndexOutOfRange, NotFinite, WrongShape

Scalar = TypeVar("Scalar", np.float32, np.float64, np.int32)

Float64s: TypeAlias = NDArray[np.float64]
Float32s: TypeAlias = NDArray[np.float32]
Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
UInt32s: TypeAlias = NDArray[np.uint32]
Bytes: TypeAlias = NDArray[np.uint8]
SmallInts: TypeAlias = NDArray[np.int8]
Bools: TypeAlias = NDArray[np.bool_]
Points: TypeAlias = Float64s | Float32s
"""(n, 3) coordinates of a scan, float32 or float64 as the reader delivered them."""


def as_points(points: ArrayLike, name: str = "points") -> Points:
    """(n, 3) finite points; float32 stays float32, everything else becomes float64."""
    shaped = shaped_points(points, name)
    refuse_not_finite(shaped, name)
    return shaped


def shaped_points(points: ArrayLike, name: str = "points") -> Points:
    """(n, 3) points of which some may be NaN or infinite yet, for who goes through all of them anyhow."""
    array = np.asarray(points)
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "fiu":
        raise WrongShape(name, "an (n, 3) array of numbers", array.shape, str(array.dtype))
    if array.dtype == np.float32:
        return np.ascontiguousarray(array, np.float32)
    return np.ascontiguousarray(array, np.float64)


def as_vertices(vertices: ArrayLike) -> Float64s:
    """(v, 3) finite float64 vertices of a mesh."""
    return np.ascontiguousarray(as_points(vertices, "vertices"), np.float64)


def as_triangles(triangles: ArrayLike, vertex_count: int) -> Int32s:
    """(m, 3) int32 vertex numbers, every one below `vertex_count`."""
    array = np.asarray(triangles)
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "iu":
        raise WrongShape("triangles", "an (m, 3) array of integers", array.shape, str(array.dtype))
    outside = (array < 0) | (array >= vertex_count)
    if outside.any():
        triangle, corner = (int(i) for i in np.argwhere(outside)[0])
        raise IndexOutOfRange(triangle, int(array[triangle, corner]), vertex_count)
    return np.ascontiguousarray(array, np.int32)


def as_transform(transform: ArrayLike) -> Float64s:
    """(4, 4) finite rigid transform, float64; refuses mirrors, scales and shears (1e-6)."""
    array = np.ascontiguousarray(transform, np.float64)
    if array.shape != (4, 4):
        raise WrongShape("transform", "a (4, 4) rigid transform", array.shape, str(array.dtype))
    refuse_not_finite(array, "transform")
    rotation = array[:3, :3]
    is_rotation = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6) and np.linalg.det(rotation) > 0
    if not is_rotation or not np.allclose(array[3], (0, 0, 0, 1)):
        raise WrongShape(
            "transform", "a (4, 4) rigid transform (rotation and translation only)", array.shape, "float64"
        )
    return array


def move(points: Points, transform: Float64s) -> Float64s:
    """Points under a rigid (4, 4) transform, as float64."""
    moved: Float64s = points @ transform[:3, :3].T + transform[:3, 3]
    return moved


def aligned_empty(shape: tuple[int, ...], dtype: type[Scalar]) -> NDArray[Scalar]:
    """An uninitialised array that starts on a 64-byte line, as the vector loads of the kernels require."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def refuse_not_finite(array: Points, name: str) -> None:
    # The sum is finite unless a value is not (or the sum overflows); only then look row by row.
    with np.errstate(invalid="ignore", over="ignore"):
        total = array.sum()
    if np.isfinite(total):
        return
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(bad):
        raise NotFinite(name, len(bad), int(bad[0]))
