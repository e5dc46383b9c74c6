"""The search for the closest triangle, on the cores of this machine.

In: packets of 16 neighbouring points, the triangles' records and the tree over them. Out: for every point the signed
distance in the caller's unit and the slot of its triangle.

Two steps keep it both fast and exact. The hunt runs in single precision over all 16 points at once: the triangles of
the previous packet give a first bound, then the tree is walked level by level. Its rounding error is bounded by a
margin, and every triangle within that margin of the best is kept as a rival. The finish measures the winner and its
rivals in double precision. Rounding can also make a needle look nearer than it is; then the winner turns out farther
than the hunt said, and that point is searched again in double precision alone.

Why that is exact, with e the rounding: a winner that passes lies at most e beyond the hunt's best; the true triangle
lies no farther, and the hunt sees it at most another e beyond. So everything within two e of the best is measured.
"""

from typing import TypeAlias

import numpy as np
from numba import prange
from numpy.typing import NDArray

from kernels.arrays import Float32s, Float64s, Int32s, Int64s, Scalar, UInt32s
from kernels.compiled import compiled, compiled_finite, compiled_parallel, float32, float64, inlined, int64
from kernels.distance.formula import signed, squared_and_side
from kernels.distance.lanes import (
    BEST_ROW,
    PACKET,
    append_children_within,
    children_within,
    extend_reach,
    frame_points,
    improve_by_triangle,
    load_points,
    lowest_bit,
    measure_pairs,
    points_reaching,
    rivals_in_row,
)
from kernels.distance.packets import LANES, PACKET_DOUBLES
from kernels.distance.tree import CHILDREN

Pairs: TypeAlias = tuple[Int32s, Int32s, Float64s, Float64s]
"""Lanes and slots to measure, their squared distances and sides; the first LANES pairs are the winners."""
ROUNDING = float32(24 * 2.0**-24)
"""By how much the hunt may take a triangle for farther than it is, for each unit of the largest coordinate."""
NO_BOUND = float32(1e30)
FRONT = 120
"""Groups that the walk by levels may hold; past it the walk by depth, which orders its visits, is faster."""
MANY = 24
RIVALS = 1024
PAIRS = 512
"""Rivals measured at a time, behind the winners; room for LANES more rivals than fit is in it."""
STACK = 512
CHUNK = 8192
"""Points that one thread takes at a time; a multiple of LANES."""


@compiled_finite
def walk_by_levels(
    boxes: Float32s, starts: Int64s, packet: Float32s, frame: Float32s, bound: float, front: Int32s, back: Int32s
) -> tuple[int, bool]:
    """Collect the slots whose box is within `bound` of the packet, without a branch on data.

    Gives how many, and whether they are in `front` (else in `back`); -1 when a level holds too many groups.
    """
    top = starts.shape[0] - 2
    front[0] = starts[top]
    count, in_front = int64(1), True
    for down in range(top + 1):
        level = top - down
        source, target = (front, back) if in_front else (back, front)
        here = starts[level]
        below = starts[level - 1] if level > 0 else int64(0)
        found = int64(0)
        for i in range(count):
            group = int64(source[i])
            found = append_children_within(boxes, group, frame, bound, below + (group - here) * CHILDREN, target, found)
        count, in_front = found, not in_front
        if level > 0 and count > FRONT:
            return -1, in_front
    return count, in_front


@compiled_finite
def test_slots(
    boxes: Float32s,
    records: Float32s,
    slots: Int32s,
    count: int,
    margin: float,
    packet: Float32s,
    winner: Int32s,
    tested: Float32s,
) -> int:
    """Test the triangles in `slots` that some point still reaches; those stay in front of `slots`; gives how many."""
    if count > MANY:
        # A stride of them first: what they teach spares most of the others.
        stride = count >> 3
        for i in range(8):
            improve_by_triangle(records, int64(slots[i * stride]), packet, winner, tested, int64(0))
        extend_reach(packet, margin)
    kept = int64(0)
    for i in range(count):
        slot = int64(slots[i])
        slots[kept] = slots[i]
        kept += int64(points_reaching(boxes, slot >> 3, slot & 7, packet) != 0)
    for i in range(kept):
        improve_by_triangle(records, int64(slots[i]), packet, winner, tested, i)
    return kept


@compiled_finite
def keep_rivals(rivals: Int32s, count: int, packet: Float32s, winner: Int32s, tested: Float32s) -> int:
    """Drop the rivals that no point reaches any more, winners too: they are known; gives how many stay."""
    kept = int64(0)
    for i in range(count):
        if rivals_in_row(tested, i, int64(rivals[i]), packet, winner) != 0:
            rivals[kept] = rivals[i]
            tested[kept * LANES : (kept + 1) * LANES] = tested[i * LANES : (i + 1) * LANES]
            kept += 1
    return kept


@compiled_finite
def test_leaves(
    boxes: Float32s,
    records: Float32s,
    group: int,
    mask: int,
    packet: Float32s,
    winner: Int32s,
    rivals: Int32s,
    count: int,
    tested: Float32s,
) -> int:
    """Test the triangles of a leaf group that some point reaches and note them as rivals; gives the new count."""
    while mask != 0:
        child = lowest_bit(mask)
        mask &= mask - 1
        if points_reaching(boxes, group, child, packet) != 0:
            slot = group * CHILDREN + child
            if improve_by_triangle(records, slot, packet, winner, tested, count) != 0:
                rivals[count] = slot
                count += 1
    return count


@compiled_finite
def walk_by_depth(
    boxes: Float32s,
    starts: Int64s,
    records: Float32s,
    packet: Float32s,
    frame: Float32s,
    margin: float,
    winner: Int32s,
    rivals: Int32s,
    tested: Float32s,
) -> int:
    """Search the nearest boxes first, pruning as the bound falls; gives the count of rivals, -1 when too many."""
    groups, levels = np.empty(STACK, np.int64), np.empty(STACK, np.int64)
    near, gaps = np.empty(STACK, np.float32), np.empty(CHILDREN, np.float32)
    top = starts.shape[0] - 2
    groups[0], levels[0], near[0] = starts[top], top, float32(0.0)
    waiting, count = 1, int64(0)
    bound = extend_reach(packet, margin)
    while waiting > 0:
        waiting -= 1
        if near[waiting] >= bound:
            continue
        group, level = groups[waiting], levels[waiting]
        mask = children_within(boxes, group, frame, bound, gaps)
        if level == 0:
            count = test_leaves(boxes, records, group, mask, packet, winner, rivals, count, tested)
            bound = extend_reach(packet, margin)
            if count > RIVALS - CHILDREN:
                count = keep_rivals(rivals, count, packet, winner, tested)
                if count > RIVALS // 2:
                    return -1
            continue
        first_child = starts[level - 1] + (group - starts[level]) * CHILDREN
        floor = waiting
        while mask != 0:
            child = lowest_bit(mask)
            mask &= mask - 1
            if points_reaching(boxes, group, child, packet) != 0:
                place = waiting
                while place > floor and near[place - 1] < gaps[child]:
                    near[place], groups[place] = near[place - 1], groups[place - 1]
                    place -= 1
                near[place], groups[place], levels[waiting] = gaps[child], first_child + child, level - 1
                waiting += 1
    return count


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
def measure_winners(
    corners: Float64s,
    pseudonormals: Float32s,
    coordinates: Float64s,
    rounding: float,
    packet: Float32s,
    winner: Int32s,
    pairs: Pairs,
) -> int:
    """Measure the hunt's winners in double precision; gives the bits of those that turn out farther than it said."""
    lanes, slots, squared, sides = pairs
    for lane in range(LANES):
        lanes[lane], slots[lane] = lane, max(winner[lane], 0)
    measure_pairs(corners, pseudonormals, coordinates, lanes, slots, int64(0), squared, sides)
    farther = int64(0)
    for lane in range(LANES):
        slots[lane] = winner[lane]
        reach = np.sqrt(float64(packet[BEST_ROW + lane])) + rounding
        farther |= int64(squared[lane] > reach * reach) << lane
    return farther


@compiled
def measure_rivals(
    corners: Float64s,
    pseudonormals: Float32s,
    coordinates: Float64s,
    packet: Float32s,
    winner: Int32s,
    rivals: Int32s,
    count: int,
    tested: Float32s,
    pairs: Pairs,
) -> None:
    """Let the rivals improve on the winners in the first LANES pairs."""
    lanes, slots, _, _ = pairs
    waiting = int64(LANES)
    for i in range(count):
        slot = int64(rivals[i])
        mask = rivals_in_row(tested, i, slot, packet, winner)
        while mask != 0:
            lanes[waiting], slots[waiting] = lowest_bit(mask), slot
            waiting += 1
            mask &= mask - 1
        if waiting >= PAIRS - LANES or (i == count - 1 and waiting > LANES):
            settle(corners, pseudonormals, coordinates, waiting, pairs)
            waiting = int64(LANES)


@inlined
def settle(corners: Float64s, pseudonormals: Float32s, coordinates: Float64s, count: int, pairs: Pairs) -> None:
    """Measure the pairs from LANES to `count`, and let each improve on the winner of its lane."""
    lanes, slots, squared, sides = pairs
    lanes[count : count + LANES], slots[count : count + LANES] = 0, 0
    for first in range(LANES, count, LANES):
        measure_pairs(corners, pseudonormals, coordinates, lanes, slots, first, squared, sides)
    for i in range(LANES, count):
        lane = lanes[i]
        if squared[i] < squared[lane]:
            squared[lane], sides[lane], slots[lane] = squared[i], sides[i], slots[i]


@compiled_finite
def hunt(
    boxes: Float32s,
    starts: Int64s,
    records: Float32s,
    packet: Float32s,
    frame: Float32s,
    margin: float,
    winner: Int32s,
    hints: Int32s,
    rivals: Int32s,
    spare: Int32s,
    tested: Float32s,
) -> int:
    """Find a winner for every point of the packet and all its rivals; gives their count, -1 when there are too many."""
    if hints[0] < 0:
        return walk_by_depth(boxes, starts, records, packet, frame, margin, winner, rivals, tested)
    for k in range(4):
        improve_by_triangle(records, int64(hints[k]), packet, winner, tested, int64(0))
    bound = extend_reach(packet, margin)
    count, in_rivals = walk_by_levels(boxes, starts, packet, frame, bound, rivals, spare)
    if count < 0:
        return walk_by_depth(boxes, starts, records, packet, frame, margin, winner, rivals, tested)
    if not in_rivals:
        rivals[:count] = spare[:count]
    count = test_slots(boxes, records, rivals, count, margin, packet, winner, tested)
    extend_reach(packet, margin)
    return count


@inlined
def aligned_room(count: int, kind: type[Scalar]) -> NDArray[Scalar]:
    """An uninitialised array of four-byte numbers that starts on a 64-byte line."""
    raw = np.empty(count + 16, kind)
    start = (-raw.ctypes.data % 64) // 4
    return raw[start : start + count]


@compiled
def search_chunk(
    coordinates: Float64s,
    order: UInt32s,
    first: int,
    last: int,
    boxes: Float32s,
    starts: Int64s,
    records: Float32s,
    corners: Float64s,
    pseudonormals: Float32s,
    limit: float,
    unit: float,
    distances: Float64s,
    slots: Int32s,
) -> None:
    """Points first to last, packet by packet; `limit` is normalised, distances are multiplied by `unit`."""
    packet, winner = aligned_room(PACKET, np.float32), aligned_room(LANES, np.int32)
    tested = aligned_room(RIVALS * LANES, np.float32)
    frame, hints = np.empty(6, np.float32), np.full(4, -1, np.int32)
    rivals, spare = np.empty(RIVALS, np.int32), np.empty(RIVALS, np.int32)
    pairs = np.empty(PAIRS, np.int32), np.empty(PAIRS, np.int32), np.empty(PAIRS), np.empty(PAIRS)
    _, found, squared, sides = pairs
    for point in range(first, last, LANES):
        here = coordinates[(point // LANES) * PACKET_DOUBLES : (point // LANES + 1) * PACKET_DOUBLES]
        load_points(here, 0, packet, winner, NO_BOUND)
        rounding = ROUNDING * (frame_points(packet, frame) + float32(1.0))
        margin = float32(2.0) * rounding
        if limit < 1e14:
            load_points(here, 0, packet, winner, float32((limit + margin) ** 2))
        count = hunt(boxes, starts, records, packet, frame, margin, winner, hints, rivals, spare, tested)
        again = measure_winners(corners, pseudonormals, here, rounding, packet, winner, pairs)
        measure_rivals(corners, pseudonormals, here, packet, winner, rivals, count, tested, pairs)
        if count < 0:
            again = int64(0xFFFF)
        for lane in range(min(LANES, last - point)):
            if winner[lane] >= 0 and (again >> lane) & 1:
                squared[lane], sides[lane], found[lane] = closest_exactly(
                    boxes, starts, corners, pseudonormals, int64(found[lane]),
                    here[lane], here[lane + LANES], here[lane + 2 * LANES], margin,
                )  # fmt: skip
            row = order[point + lane]
            if winner[lane] >= 0 and squared[lane] <= limit * limit:
                distances[row], slots[row] = signed(squared[lane], sides[lane]) * unit, found[lane]
            else:
                distances[row], slots[row] = np.nan, -1
        if min(winner[0], winner[5], winner[10], winner[15]) >= 0:
            hints[0], hints[1], hints[2], hints[3] = winner[15], winner[10], winner[5], winner[0]


@compiled_parallel
def search(
    coordinates: Float64s,
    order: UInt32s,
    boxes: Float32s,
    starts: Int64s,
    records: Float32s,
    corners: Float64s,
    pseudonormals: Float32s,
    limit: float,
    unit: float,
    distances: Float64s,
    slots: Int32s,
) -> None:
    """All points, a chunk a time."""
    count = order.shape[0]
    for chunk in prange((count + CHUNK - 1) // CHUNK):
        first = chunk * CHUNK
        last = min(count, first + CHUNK)
        search_chunk(
            coordinates, order, first, last, boxes, starts, records, corners, pseudonormals, limit, unit,
            distances, slots,
        )  # fmt: skip
