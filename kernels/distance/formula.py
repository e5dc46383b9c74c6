"""The arithmetic of a signed distance, once: the closest point of a triangle, and the side on which a point lies.

Double precision, one point and one triangle. Source of the regions: C. Ericson, Real-Time Collision Detection (2005),
5.1.5; of the sign: J. A. Baerentzen, H. Aanaes, Signed distance computation using the angle weighted pseudonormal,
IEEE TVCG 11(3), 2005.

A feature is what of the triangle is closest: 0 face, 1 edge ab, 2 edge bc, 3 edge ca, 4 a, 5 b, 6 c.
`corners` holds a triangle a row: a, b, c and a mark (1.0) for needles, whose height is so small against their length
that the signs of Ericson's areas drown in rounding. For those the edges are measured one by one as well.
"""

from typing import TypeAlias

import numpy as np

from kernels.arrays import Float32s, Float64s
from kernels.compiled import inlined

FACE, EDGE_AB, EDGE_BC, EDGE_CA, CORNER_A, CORNER_B, CORNER_C = range(7)
FEATURES = 7
CORNERS = 10
NEEDLE = 9
NEEDLE_SHAPE = 1e-3
"""Height over longest edge below which a triangle is a needle."""

Offset: TypeAlias = tuple[float, float, float, int]
"""From the closest point to the measured point, and the feature on which the closest point lies."""


@inlined
def dot(ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> float:
    return ax * bx + ay * by + az * bz


@inlined
def cross(ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> tuple[float, float, float]:
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


@inlined
def barycentric(d1: float, d2: float, ab2: float, abac: float, ac2: float) -> tuple[float, float, int]:
    """Shares of ab and ac at the closest point, and its feature, from ap.ab, ap.ac, ab.ab, ab.ac and ac.ac."""
    d3, d4, d5, d6 = d1 - ab2, d2 - abac, d1 - abac, d2 - ac2
    if d1 <= 0.0 and d2 <= 0.0:
        return 0.0, 0.0, CORNER_A
    if d3 >= 0.0 and d4 <= d3:
        return 1.0, 0.0, CORNER_B
    if d6 >= 0.0 and d5 <= d6:
        return 0.0, 1.0, CORNER_C
    area_c = d1 * d4 - d3 * d2
    if area_c <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        return d1 / (d1 - d3), 0.0, EDGE_AB
    area_b = d5 * d2 - d1 * d6
    if area_b <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        return 0.0, d2 / (d2 - d6), EDGE_CA
    area_a = d3 * d6 - d5 * d4
    along, back = d4 - d3, d5 - d6
    if area_a <= 0.0 and along >= 0.0 and back >= 0.0:
        share = along / (along + back)
        return 1.0 - share, share, EDGE_BC
    whole = 1.0 / (area_a + area_b + area_c)
    return area_b * whole, area_c * whole, FACE


@inlined
def offset_from_edge(
    px: float, py: float, pz: float, ex: float, ey: float, ez: float, start: int, end: int, edge: int
) -> Offset:
    """Offset of a point, given from the start of an edge, and which of (start, edge, end) is closest."""
    share = dot(px, py, pz, ex, ey, ez) / dot(ex, ey, ez, ex, ey, ez)
    if share <= 0.0:
        return px, py, pz, start
    if share >= 1.0:
        return px - ex, py - ey, pz - ez, end
    return px - share * ex, py - share * ey, pz - share * ez, edge


@inlined
def nearer(left: Offset, right: Offset) -> Offset:
    """The shorter of two offsets; the left one when equal."""
    left_squared = dot(left[0], left[1], left[2], left[0], left[1], left[2])
    right_squared = dot(right[0], right[1], right[2], right[0], right[1], right[2])
    return left if left_squared <= right_squared else right


@inlined
def offset_from_triangle(corners: Float64s, slot: int, x: float, y: float, z: float) -> Offset:
    """Offset of the point (x, y, z) from the closest point of the triangle in `slot`."""
    ax, ay, az = corners[slot, 0], corners[slot, 1], corners[slot, 2]
    abx, aby, abz = corners[slot, 3] - ax, corners[slot, 4] - ay, corners[slot, 5] - az
    acx, acy, acz = corners[slot, 6] - ax, corners[slot, 7] - ay, corners[slot, 8] - az
    px, py, pz = x - ax, y - ay, z - az
    v, w, feature = barycentric(
        dot(px, py, pz, abx, aby, abz),
        dot(px, py, pz, acx, acy, acz),
        dot(abx, aby, abz, abx, aby, abz),
        dot(abx, aby, abz, acx, acy, acz),
        dot(acx, acy, acz, acx, acy, acz),
    )
    found = (px - v * abx - w * acx, py - v * aby - w * acy, pz - v * abz - w * acz, feature)
    if corners[slot, NEEDLE] != 0.0:
        found = nearer(found, offset_from_edge(px, py, pz, abx, aby, abz, CORNER_A, CORNER_B, EDGE_AB))
        found = nearer(found, offset_from_edge(px, py, pz, acx, acy, acz, CORNER_A, CORNER_C, EDGE_CA))
        bx, by, bz = acx - abx, acy - aby, acz - abz
        found = nearer(found, offset_from_edge(px - abx, py - aby, pz - abz, bx, by, bz, CORNER_B, CORNER_C, EDGE_BC))
    return found


@inlined
def squared_and_side(
    corners: Float64s, pseudonormals: Float32s, slot: int, x: float, y: float, z: float
) -> tuple[float, float]:
    """Squared distance to the triangle in `slot`, and a number that is negative inside the surface."""
    dx, dy, dz, feature = offset_from_triangle(corners, slot, x, y, z)
    normal = 3 * feature
    side = dot(
        dx, dy, dz, pseudonormals[slot, normal], pseudonormals[slot, normal + 1], pseudonormals[slot, normal + 2]
    )
    return dot(dx, dy, dz, dx, dy, dz), side


@inlined
def signed(squared: float, side: float) -> float:
    """Distance from its square, negative inside; a point on the surface has +0."""
    distance: float = np.sqrt(squared)
    return -distance if side < 0.0 else distance
