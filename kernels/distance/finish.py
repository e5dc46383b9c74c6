"""The finish of a search, in double precision: which of the triangles that the hunt kept is the closest one.

In: the winners and rivals of a group of packets. Out: squared distances, sides and slots.

Rounding can also make a needle look nearer than it is; then the winner turns out farther than the hunt said, and that
point is searched again in double precision alone.

Why that is exact, with e the rounding: a winner that passes lies at most e beyond the hunt's best; the true triangle
lies no farther, and the hunt sees it at most another e beyond. So everything within two e of the best is measured.
"""

from typing import TypeAlias

import numpy as np

from kernels.arrays import Float32s, Float64s, Int32s, Int64s
from kernels.compiled import compiled, float32, float64, int64
from kernels.distance.formula import squared_and_side
from kernels.distance.hunt import STACK, reached_rivals
from kernels.distance.lanes import BEST_ROW, children_within, lowest_bit, measure_pairs
from kernels.distance.packets import LANES
from kernels.distance.tree import CHILDREN

Pairs: TypeAlias = tuple[Int32s, Int32s, Float64s, Float64s]
"""Points of a group and slots to measure, their squared distances and sides; the first GROUP are the winners."""
GROUP = 8 * LANES
"""Points whose rivals are measured together: a packet alone has too few to fill the lanes."""
PAIRS = 1024
"""Winners of a group and rivals measured at a time; room for LANES more rivals than fit is in it."""


@compiled
def closest_exactly(
    boxes: Float32s,
    starts: Int64s,
    corners: Float64s,
    pseudonormals: Float32s,
    slot: int,
    x: float,
    y: float,
    z: float,
    margin: float,
) -> tuple[float, float, int]:
    """Squared distance, side and slot of the closest triangle, every triangle measured in double precision."""
    squared, side = squared_and_side(corners, pseudonormals, slot, x, y, z)
    frame, gaps = np.array([x, x, y, y, z, z], np.float32), np.empty(CHILDREN, np.float32)
    groups, levels = np.empty(STACK, np.int64), np.empty(STACK, np.int64)
    top = starts.shape[0] - 2
    groups[0], levels[0] = starts[top], top
    waiting = 1
    while waiting > 0:
        waiting -= 1
        group, level = groups[waiting], levels[waiting]
        mask = children_within(boxes, group, frame, float32((np.sqrt(squared) + margin) ** 2), gaps)
        while mask != 0:
            child = lowest_bit(mask)
            mask &= mask - 1
            if level > 0:
                groups[waiting], levels[waiting] = (
                    starts[level - 1] + (group - starts[level]) * CHILDREN + child,
                    level - 1,
                )
                waiting += 1
                continue
            candidate = group * CHILDREN + child
            found, found_side = squared_and_side(corners, pseudonormals, candidate, x, y, z)
            if found < squared:
                squared, side, slot = found, found_side, candidate
    return squared, side, slot


@compiled
def farther_than_said(squared: Float64s, packet: Float32s, rounding: float) -> int:
    """Bits of the points of a packet whose winner turned out farther than the hunt said."""
    farther = int64(0)
    for lane in range(LANES):
        reach = np.sqrt(float64(packet[BEST_ROW + lane])) + rounding
        farther |= int64(squared[lane] > reach * reach) << lane
    return farther


@compiled
def note_rivals(
    corners: Float64s,
    pseudonormals: Float32s,
    coordinates: Float64s,
    first: int,
    packet: Float32s,
    winner: Int32s,
    rivals: Int32s,
    masks: Int32s,
    count: int,
    tested: Float32s,
    waiting: int,
    pairs: Pairs,
) -> int:
    """Put the rivals of the packet whose points begin at `first` behind the pairs that wait; gives how many wait."""
    points, slots, _, _ = pairs
    kept = reached_rivals(rivals, masks, count, packet, winner, tested)
    for i in range(kept):
        mask = int64(masks[i])
        while mask != 0:
            points[waiting], slots[waiting] = first + lowest_bit(mask), rivals[i]
            waiting += 1
            mask &= mask - 1
        if waiting > PAIRS - 2 * LANES:
            waiting = settle(corners, pseudonormals, coordinates, waiting, pairs)
    return waiting


@compiled
def settle(corners: Float64s, pseudonormals: Float32s, coordinates: Float64s, waiting: int, pairs: Pairs) -> int:
    """Measure the rivals that wait, and let each improve on the winner of its point; gives how many wait then."""
    points, slots, squared, sides = pairs
    points[waiting : waiting + LANES], slots[waiting : waiting + LANES] = 0, 0
    for first in range(GROUP, waiting, LANES):
        measure_pairs(corners, pseudonormals, coordinates, points, slots, int64(first), squared, sides)
    for i in range(GROUP, waiting):
        point = points[i]
        if squared[i] < squared[point]:
            squared[point], sides[point], slots[point] = squared[i], sides[i], slots[i]
    return int64(GROUP)
