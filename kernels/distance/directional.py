"""Distances along one direction: the search for the triangle that a line through a point crosses nearest to it.

In: packets of points, and the mesh seen along the direction (`Seen`): turned so that the direction is z, under boxes of
its own over the order that the tree has already. Out: for every point the signed distance in the caller's unit and the
slot of its triangle, which it may lie before or behind. Boxes are tried in single precision with room for its rounding,
triangles in double precision.
"""

from dataclasses import dataclass

import numpy as np
from numba import prange

from kernels.arrays import Float32s, Float64s, Int32s, Int64s, UInt32s
from kernels.compiled import compiled, compiled_parallel, float32, inlined, int64
from kernels.distance.cpu import CHUNK, chunks_of
from kernels.distance.formula import CORNERS, crossing
from kernels.distance.hunt import ROUNDING, STACK
from kernels.distance.lanes import children_within, lowest_bit
from kernels.distance.packets import LANES, PACKET_DOUBLES
from kernels.distance.tree import CHILDREN, Boxes, boxes_over
from kernels.turns import THREADS, next_turn

FARTHEST = 1e15
"""Normalised; beyond every crossing, and its square is a float32."""


@dataclass(frozen=True)
class Seen:
    """A mesh turned so that a direction is z."""

    turn: Float64s
    """(3, 3), rows are the axes: seen = turn @ normalised."""
    corners: Float64s
    tree: Boxes


def axes_along(direction: Float64s) -> Float64s:
    """(3, 3): two unit axes across a unit direction, and the direction; exact for the axes of the frame."""
    least = np.zeros(3)
    least[np.argmin(np.abs(direction))] = 1.0
    across = least - (least @ direction) * direction
    across /= np.linalg.norm(across)
    return np.array([across, np.cross(direction, across), direction])


def seen_along(direction: Float64s, corners: Float64s, triangle_count: int) -> Seen:
    """Turn the triangles' corners (slots, 9); the first `triangle_count` are triangles, the others padding."""
    turn = axes_along(direction)
    turned = corners.copy()
    low, high = np.empty((len(corners), 3), np.float32), np.empty((len(corners), 3), np.float32)
    turn_corners(turn, turned, triangle_count, low, high)
    return Seen(turn, turned, boxes_over(low, high))


@inlined
def turned_point(turn: Float64s, x: float, y: float, z: float) -> tuple[float, float, float]:
    return (
        turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z,
        turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z,
        turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z,
    )


@compiled_parallel
def turn_corners(turn: Float64s, corners: Float64s, triangle_count: int, low: Float32s, high: Float32s) -> None:
    for slot in prange(corners.shape[0]):
        row = corners[slot]
        if slot < triangle_count:
            for k in range(0, CORNERS, 3):
                row[k], row[k + 1], row[k + 2] = turned_point(turn, row[k], row[k + 1], row[k + 2])
        for axis in range(3):
            low[slot, axis] = min(row[axis], row[3 + axis], row[6 + axis])
            high[slot, axis] = max(row[axis], row[3 + axis], row[6 + axis])


@compiled
def nearest_crossing(
    boxes: Float32s,
    starts: Int64s,
    corners: Float64s,
    x: float,
    y: float,
    z: float,
    hint: int,
    limit: float,
    frame: Float32s,
    gaps: Float32s,
    groups: Int64s,
    levels: Int64s,
) -> tuple[float, float, int]:
    """How far ahead the nearest crossing lies, its side, and its slot, -1 when there is none; `hint` is tried first."""
    best, ahead, side, found = limit, 0.0, 1.0, int64(-1)
    if hint >= 0:
        here, whole, crosses = crossing(corners, hint, x, y, z)
        if crosses and abs(here) <= best:
            best, ahead, side, found = abs(here), here, whole, int64(hint)
    margin = ROUNDING * float32(max(abs(x), abs(y), abs(z)) + 1.0)
    frame[0], frame[1], frame[2], frame[3] = x, x, y, y
    groups[0], levels[0] = starts[starts.shape[0] - 2], starts.shape[0] - 2
    waiting = 1
    while waiting > 0:
        waiting -= 1
        group, level = groups[waiting], levels[waiting]
        frame[4], frame[5] = z - best, z + best
        mask = children_within(boxes, group, frame, margin * margin, gaps)
        while mask != 0:
            child = lowest_bit(mask)
            mask &= mask - 1
            if level > 0:
                groups[waiting] = starts[level - 1] + (group - starts[level]) * CHILDREN + child
                levels[waiting] = level - 1
                waiting += 1
                continue
            here, whole, crosses = crossing(corners, group * CHILDREN + child, x, y, z)
            if crosses and (abs(here) < best or (found < 0 and abs(here) <= best)):
                best, ahead, side, found = abs(here), here, whole, group * CHILDREN + child
    return ahead, side, found


@compiled_parallel
def search_along(
    coordinates: Float64s,
    points: UInt32s,
    turn: Float64s,
    boxes: Float32s,
    starts: Int64s,
    corners: Float64s,
    limit: float,
    unit: float,
    distances: Float64s,
    slots: Int32s,
) -> None:
    """All points, a chunk a time; `limit` is normalised, distances are multiplied by `unit`."""
    count = points.shape[0]
    turns = np.zeros(1, np.int64)
    for _ in prange(THREADS):
        frame, gaps = np.empty(6, np.float32), np.empty(CHILDREN, np.float32)
        groups, levels = np.empty(STACK, np.int64), np.empty(STACK, np.int64)
        chunk = next_turn(turns)
        while chunk < chunks_of(count):
            hint = int64(-1)
            for i in range(chunk * CHUNK, min(count, (chunk + 1) * CHUNK)):
                lane = (i // LANES) * PACKET_DOUBLES + i % LANES
                x, y, z = turned_point(
                    turn, coordinates[lane], coordinates[lane + LANES], coordinates[lane + 2 * LANES]
                )
                ahead, side, slot = nearest_crossing(
                    boxes, starts, corners, x, y, z, hint, min(limit, FARTHEST), frame, gaps, groups, levels
                )
                # From the surface to the point it is as far back as the crossing lies ahead.
                inside = ahead * side > 0.0
                distances[points[i]] = np.nan if slot < 0 else (-abs(ahead) if inside else abs(ahead)) * unit
                slots[points[i]] = slot
                hint = slot if slot >= 0 else hint
            chunk = next_turn(turns)
