"""The arithmetic of a signed distance, once: the closest point of a triangle, and the side on which a point lies.

One point and one triangle, without a branch: every choice is `chosen`, `smaller` or `larger`. So the same source serves
one point in double precision (here), sixteen at once (`lanes`, through `rendering`) and a thread of a CUDA device.
Source of the sign: J. A. Baerentzen, H. Aanaes, Signed distance computation using the angle weighted pseudonormal,
IEEE TVCG 11(3), 2005.

A feature is what of the triangle is closest: 0 face, 1 edge ab, 2 edge bc, 3 edge ca, 4 a, 5 b, 6 c.
Everything is measured from ab, which must be the longest edge: then a needle, whose height drowns in the rounding of
its length, still errs by a few units in the last place of its length only.
"""

import math
from typing import TypeAlias, TypeVar

from kernels.arrays import Float32s, Float64s
from kernels.compiled import inlined

FACE, EDGE_AB, EDGE_BC, EDGE_CA, CORNER_A, CORNER_B, CORNER_C = range(7)
FEATURES = 7
CORNERS = 9

Number = TypeVar("Number", int, float)
Offset: TypeAlias = tuple[float, float, float, int]
"""From the closest point to the measured point, and the feature on which the closest point lies."""


@inlined
def chosen(condition: bool, yes: Number, no: Number) -> Number:
    return yes if condition else no


@inlined
def smaller(left: float, right: float) -> float:
    return left if left < right else right


@inlined
def larger(left: float, right: float) -> float:
    return left if left > right else right


@inlined
def product(left: float, right: float) -> float:
    """A product that is rounded before it is used."""
    return left * right


@inlined
def dot(ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> float:
    return ax * bx + ay * by + az * bz


@inlined
def cross(ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> tuple[float, float, float]:
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


@inlined
def offset_from_edge(
    px: float, py: float, pz: float, ex: float, ey: float, ez: float, start: int, end: int, edge: int
) -> Offset:
    """Offset of a point, given from the start of an edge, and which of (start, edge, end) is closest."""
    share = smaller(larger(dot(px, py, pz, ex, ey, ez) / dot(ex, ey, ez, ex, ey, ez), 0.0), 1.0)
    feature = chosen(share <= 0.0, start, chosen(share >= 1.0, end, edge))
    return px - share * ex, py - share * ey, pz - share * ez, feature


@inlined
def chosen_offset(condition: bool, yes: Offset, no: Offset) -> Offset:
    return (
        chosen(condition, yes[0], no[0]),
        chosen(condition, yes[1], no[1]),
        chosen(condition, yes[2], no[2]),
        chosen(condition, yes[3], no[3]),
    )


@inlined
def nearer(left: Offset, right: Offset) -> Offset:
    """The shorter of two offsets; the left one when equal."""
    left_squared = dot(left[0], left[1], left[2], left[0], left[1], left[2])
    right_squared = dot(right[0], right[1], right[2], right[0], right[1], right[2])
    return chosen_offset(left_squared <= right_squared, left, right)


@inlined
def offset_within(
    px: float,
    py: float,
    pz: float,
    bx: float,
    by: float,
    bz: float,
    cx: float,
    cy: float,
    cz: float,
) -> tuple[float, float, float, bool]:
    """Offset of p from the plane of the triangle (0, b, c), and whether its foot lies within the triangle.

    First straight to the line of b, then within the plane along the triangle's height: what is left to err in the
    direction of the height is small where it counts, which is near the surface.
    """
    length = dot(bx, by, bz, bx, by, bz)
    along, top = dot(px, py, pz, bx, by, bz) / length, dot(cx, cy, cz, bx, by, bz) / length
    rx, ry, rz = px - along * bx, py - along * by, pz - along * bz
    hx, hy, hz = cx - top * bx, cy - top * by, cz - top * bz
    height = dot(rx, ry, rz, hx, hy, hz) / dot(hx, hy, hz, hx, hy, hz)
    share = along - top * height
    within = (height > 0.0) & (share > 0.0) & (share + height < 1.0)
    return rx - height * hx, ry - height * hy, rz - height * hz, within


@inlined
def offset_from_corners(
    x: float,
    y: float,
    z: float,
    ax: float,
    ay: float,
    az: float,
    bx: float,
    by: float,
    bz: float,
    cx: float,
    cy: float,
    cz: float,
) -> Offset:
    """Offset of the point (x, y, z) from the closest point of the triangle a, b, c whose longest edge is ab."""
    px, py, pz = x - ax, y - ay, z - az
    abx, aby, abz = bx - ax, by - ay, bz - az
    acx, acy, acz = cx - ax, cy - ay, cz - az
    found = nearer(
        offset_from_edge(px, py, pz, abx, aby, abz, CORNER_A, CORNER_B, EDGE_AB),
        offset_from_edge(px, py, pz, acx, acy, acz, CORNER_A, CORNER_C, EDGE_CA),
    )
    found = nearer(
        found, offset_from_edge(x - bx, y - by, z - bz, cx - bx, cy - by, cz - bz, CORNER_B, CORNER_C, EDGE_BC)
    )
    dx, dy, dz, within = offset_within(px, py, pz, abx, aby, abz, acx, acy, acz)
    return chosen_offset(within, nearer((dx, dy, dz, FACE), found), found)


@inlined
def offset_from_triangle(corners: Float64s, slot: int, x: float, y: float, z: float) -> Offset:
    """Offset of the point (x, y, z) from the closest point of the triangle in `slot`."""
    return offset_from_corners(
        x, y, z,
        corners[slot, 0], corners[slot, 1], corners[slot, 2],
        corners[slot, 3], corners[slot, 4], corners[slot, 5],
        corners[slot, 6], corners[slot, 7], corners[slot, 8],
    )  # fmt: skip


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
def crossing(corners: Float64s, slot: int, x: float, y: float, z: float) -> tuple[float, float, bool]:
    """Where the line through a point along z crosses the triangle in `slot`: how far ahead, on which side, and whether.

    The side is positive where the triangle faces along z. Neighbours compute the same product for the edge that they
    share, so that no line slips through between them; a triangle that contains the direction is not crossed.
    S. Woop, C. Benthin, I. Wald, Watertight ray/triangle intersection, JCGT 2(1), 2013.
    """
    ax, ay, az = corners[slot, 0] - x, corners[slot, 1] - y, corners[slot, 2] - z
    bx, by, bz = corners[slot, 3] - x, corners[slot, 4] - y, corners[slot, 5] - z
    cx, cy, cz = corners[slot, 6] - x, corners[slot, 7] - y, corners[slot, 8] - z
    u = product(bx, cy) - product(by, cx)
    v = product(cx, ay) - product(cy, ax)
    w = product(ax, by) - product(ay, bx)
    whole = u + v + w
    least, most = smaller(u, smaller(v, w)), larger(u, larger(v, w))
    crosses = ((least >= 0.0) | (most <= 0.0)) & (whole != 0.0)
    return (u * az + v * bz + w * cz) / whole, whole, crosses


@inlined
def signed(squared: float, side: float) -> float:
    """Distance from its square, negative inside; a point on the surface has +0."""
    distance = math.sqrt(squared)
    return -distance if side < 0.0 else distance


@inlined
def squared_gap(
    x0: float,
    x1: float,
    y0: float,
    y1: float,
    z0: float,
    z1: float,
    box_x0: float,
    box_x1: float,
    box_y0: float,
    box_y1: float,
    box_z0: float,
    box_z1: float,
    zero: float,
) -> float:
    """Squared distance between two boxes along the axes, each low and high on every axis; nothing where they meet."""
    x = larger(larger(box_x0 - x1, x0 - box_x1), zero)
    y = larger(larger(box_y0 - y1, y0 - box_y1), zero)
    z = larger(larger(box_z0 - z1, z0 - box_z1), zero)
    return dot(x, y, z, x, y, z)


@inlined
def squared_to_flat_edge(
    x: float, y: float, toward_x: float, toward_y: float, inverse: float, zero: float, one: float
) -> float:
    """Squared distance, within a plane, to the edge from the origin; `inverse` is one over its squared length."""
    share = smaller(larger((x * toward_x + y * toward_y) * inverse, zero), one)
    along, across = x - share * toward_x, y - share * toward_y
    return along * along + across * across


@inlined
def squared_to_record(px: float, py: float, pz: float, c: tuple[float, ...], zero: float, one: float) -> float:
    """Squared distance of a point to a triangle in its own frame (`records`): the least of its edges, and nothing in
    its plane when inside. `zero` and `one` are of the caller's precision."""
    x, y, z = px - c[0], py - c[1], pz - c[2]
    along = dot(x, y, z, c[3], c[4], c[5])
    across = dot(x, y, z, c[6], c[7], c[8])
    off = dot(x, y, z, c[9], c[10], c[11])
    length, corner_x, corner_y, inverse_bc, inverse_ac, edge_x = c[12], c[13], c[14], c[15], c[16], c[17]
    from_b = along - length
    beyond = along - smaller(larger(along, zero), length)
    edge_bc = squared_to_flat_edge(from_b, across, edge_x, corner_y, inverse_bc, zero, one)
    edge_ac = squared_to_flat_edge(along, across, corner_x, corner_y, inverse_ac, zero, one)
    nearest_edge = smaller(beyond * beyond + across * across, smaller(edge_bc, edge_ac))
    left_of_bc = edge_x * across - corner_y * from_b
    left_of_ca = along * corner_y - across * corner_x
    insideness = smaller(across, smaller(left_of_bc, left_of_ca))
    return chosen(insideness >= zero, zero, nearest_edge) + off * off
