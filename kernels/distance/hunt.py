"""The hunt for the closest triangle, in single precision over 16 points at once.

In: a packet of neighbouring points, the triangles' records and the tree over them. Out: a winner for every point, and
as rivals all triangles that rounding could have hidden behind it.

The triangles that won the packet before give a first bound. Then the tree is walked level by level, which branches on
no data. Where that meets too many groups, points that are far from the packet before get a bound of their own; and
where that does not help, the tree is walked by depth, nearest boxes first.
"""

import numpy as np

from kernels.arrays import Float32s, Int32s, Int64s
from kernels.compiled import compiled_finite, float32, int64
from kernels.distance.lanes import (
    REACH_ROW,
    append_children_within,
    children_within,
    extend_reach,
    fetch_boxes,
    fetch_triangle,
    improve_by_triangle,
    lowest_bit,
    points_reaching,
    points_reaching_row,
    rivals_in_row,
)
from kernels.distance.packets import LANES
from kernels.distance.tree import CHILDREN

ROUNDING = float32(24 * 2.0**-24)
"""By how much the hunt may take a triangle for farther than it is, for each unit of the largest coordinate."""
FRONT = 120
"""Groups that the walk by levels may hold; past it the walk by depth, which orders its visits, is faster."""
MANY = 24
RIVALS = 1024
STACK = 512
HINTS = 4
LEAPS = 8
"""Places that the points of one packet may be at, far from where the packet before was."""


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
        if level > 0 and count > MANY:
            count = reached_groups(boxes, here, below, packet, target, count)
            if count > FRONT:
                return -1, in_front
    return count, in_front


@compiled_finite
def reached_groups(boxes: Float32s, here: int, below: int, packet: Float32s, groups: Int32s, count: int) -> int:
    """Keep the groups whose box some point reaches, without a branch on data; gives how many.

    here, below: the first group of their parents' level and of their own.
    """
    kept = int64(0)
    for i in range(count):
        place = int64(groups[i]) - below
        groups[kept] = groups[i]
        kept += int64(points_reaching(boxes, here + (place >> 3), place & 7, packet) != 0)
    return kept


@compiled_finite
def farthest_point(packet: Float32s) -> int:
    """The lane that reaches farthest."""
    farthest = int64(0)
    for lane in range(1, LANES):
        if packet[REACH_ROW + lane] > packet[REACH_ROW + farthest]:
            farthest = int64(lane)
    return farthest


@compiled_finite
def test_nearest_leaf(
    boxes: Float32s,
    starts: Int64s,
    records: Float32s,
    packet: Float32s,
    lane: int,
    winner: Int32s,
    tested: Float32s,
    place: Float32s,
    gaps: Float32s,
) -> None:
    """Test the triangles of one leaf group for the packet: of each level the box nearest to one point is taken."""
    for axis in range(3):
        place[2 * axis] = place[2 * axis + 1] = packet[axis * LANES + lane]
    reach = packet[REACH_ROW + lane]
    top = starts.shape[0] - 2
    group = starts[top]
    for down in range(top):
        level = top - down
        mask = children_within(boxes, group, place, reach, gaps)
        if mask == 0:
            return
        nearest = lowest_bit(mask)
        while mask != 0:
            child = lowest_bit(mask)
            mask &= mask - 1
            if gaps[child] < gaps[nearest]:
                nearest = child
        group = starts[level - 1] + (group - starts[level]) * CHILDREN + nearest
    mask = children_within(boxes, group, place, reach, gaps)
    while mask != 0:
        improve_by_triangle(records, group * CHILDREN + lowest_bit(mask), packet, winner, tested, int64(0))
        mask &= mask - 1


@compiled_finite
def leap(
    boxes: Float32s,
    starts: Int64s,
    records: Float32s,
    packet: Float32s,
    margin: float,
    bound: float,
    winner: Int32s,
    tested: Float32s,
) -> float:
    """Give the points that are far from where the packet before was a bound of their own; gives the largest."""
    place, gaps = np.empty(6, np.float32), np.empty(CHILDREN, np.float32)
    for _ in range(LEAPS):
        lane = farthest_point(packet)
        test_nearest_leaf(boxes, starts, records, packet, lane, winner, tested, place, gaps)
        before, bound = bound, extend_reach(packet, margin)
        if packet[REACH_ROW + lane] > float32(0.25) * before:
            break
    return bound


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
        probes = max(8, count >> 4)
        stride = count // probes
        for i in range(probes):
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
def reached_rivals(
    rivals: Int32s, masks: Int32s, count: int, packet: Float32s, winner: Int32s, tested: Float32s
) -> int:
    """Keep the rivals that some point reaches though another triangle won, and the bits of these points in `masks`.

    Gives how many stay. Without a branch on data: which of them stay cannot be foreseen.
    """
    kept = int64(0)
    for i in range(count):
        mask = rivals_in_row(tested, i, int64(rivals[i]), packet, winner)
        rivals[kept], masks[kept] = rivals[i], mask
        kept += int64(mask != 0)
    return kept


@compiled_finite
def keep_rivals(rivals: Int32s, count: int, packet: Float32s, tested: Float32s) -> int:
    """Drop the rivals that no point reaches any more; gives how many stay.

    Who wins so far stays too: whoever takes its place may do so by rounding alone.
    """
    kept = int64(0)
    for i in range(count):
        if points_reaching_row(tested, i, packet) != 0:
            rivals[kept] = rivals[i]
            tested[kept * LANES : (kept + 1) * LANES] = tested[i * LANES : (i + 1) * LANES]
            kept += 1
    return kept


@compiled_finite
def reached_children(boxes: Float32s, group: int, packet: Float32s, children: Int64s) -> int:
    """Collect the children of a group whose box some point reaches, without a branch on data; gives how many."""
    kept = int64(0)
    for child in range(CHILDREN):
        children[kept] = child
        kept += int64(points_reaching(boxes, group, int64(child), packet) != 0)
    return kept


@compiled_finite
def test_leaves(
    boxes: Float32s,
    records: Float32s,
    group: int,
    packet: Float32s,
    winner: Int32s,
    rivals: Int32s,
    count: int,
    tested: Float32s,
    children: Int64s,
) -> int:
    """Test the triangles of a leaf group that some point reaches and note them as rivals; gives the new count."""
    reached = reached_children(boxes, group, packet, children)
    for i in range(reached):
        fetch_triangle(records, group * CHILDREN + children[i])
    for i in range(reached):
        slot = group * CHILDREN + children[i]
        rivals[count] = slot
        count += int64(improve_by_triangle(records, slot, packet, winner, tested, count) != 0)
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
    near, gaps, children = np.empty(STACK, np.float32), np.empty(CHILDREN, np.float32), np.empty(CHILDREN + 1, np.int64)
    top = starts.shape[0] - 2
    groups[0], levels[0], near[0] = starts[top], top, float32(0.0)
    waiting, count = 1, int64(0)
    bound = extend_reach(packet, margin)
    while waiting > 0:
        waiting -= 1
        if near[waiting] >= bound:
            continue
        group, level = groups[waiting], levels[waiting]
        if level == 0:
            count = test_leaves(boxes, records, group, packet, winner, rivals, count, tested, children)
            bound = extend_reach(packet, margin)
            if count > RIVALS - CHILDREN:
                count = keep_rivals(rivals, count, packet, tested)
                if count > RIVALS // 2:
                    return -1
            continue
        first_child = starts[level - 1] + (group - starts[level]) * CHILDREN
        floor = waiting
        children_within(boxes, group, frame, bound, gaps)
        for i in range(reached_children(boxes, group, packet, children)):
            child, place = children[i], waiting
            while place > floor and near[place - 1] < gaps[child]:
                near[place], groups[place] = near[place - 1], groups[place - 1]
                place -= 1
            near[place], groups[place], levels[waiting] = gaps[child], first_child + child, level - 1
            fetch_boxes(boxes, first_child + child)
            waiting += 1
    return count


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
    for k in range(HINTS):
        if hints[k] < 0:
            break
        improve_by_triangle(records, int64(hints[k]), packet, winner, tested, int64(0))
    bound = extend_reach(packet, margin)
    count, in_rivals = int64(-1), True
    if hints[0] >= 0:
        count, in_rivals = walk_by_levels(boxes, starts, packet, frame, bound, rivals, spare)
    if count < 0:
        nearer = leap(boxes, starts, records, packet, margin, bound, winner, tested)
        if nearer < float32(0.5) * bound:
            count, in_rivals = walk_by_levels(boxes, starts, packet, frame, nearer, rivals, spare)
    if count < 0:
        return walk_by_depth(boxes, starts, records, packet, frame, margin, winner, rivals, tested)
    if not in_rivals:
        rivals[:count] = spare[:count]
    count = test_slots(boxes, records, rivals, count, margin, packet, winner, tested)
    extend_reach(packet, margin)
    return count


@compiled_finite
def take_hints(winner: Int32s, hints: Int32s) -> None:
    """Winners of a packet for the next one to start from, each once, -1 behind them; none where a point has none."""
    count = 0
    for k in range(HINTS):
        slot = winner[LANES - 1 - k * (LANES // HINTS)]
        if slot < 0:
            return
        known = False
        for i in range(count):
            known |= hints[i] == slot
        if not known:
            hints[count] = slot
            count += 1
    hints[count:] = -1
