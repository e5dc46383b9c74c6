"""An implicit tree of boxes, eight children each, over triangles or anything else that has boxes.

In: centroids, then low and high corners in the order this module gave. Out: the order, and the boxes of every level.
Nothing points anywhere: group g of a level covers the groups 8g to 8g+7 of the level below, and the leaves' group g the
slots 8g to 8g+7. Each half of the order is split at the median along its longest side, at whole subtrees.
"""

from dataclasses import dataclass

import numpy as np
from numba import prange

from kernels.arrays import Float32s, Int32s, Int64s, aligned_empty
from kernels.compiled import compiled, compiled_parallel, float32, inlined
from kernels.distance.records import NOWHERE

CHILDREN = 8
BOX_FLOATS = 6 * CHILDREN


@dataclass(frozen=True)
class Boxes:
    boxes: Float32s
    """BOX_FLOATS a group, the leaves' groups first; see `lanes`."""
    level_starts: Int64s
    """First group of each level, leaves first, and after the last level the number of groups."""


@inlined
def swap(order: Int32s, centroids: Float32s, i: int, j: int) -> None:
    order[i], order[j] = order[j], order[i]
    for axis in range(3):
        centroids[i, axis], centroids[j, axis] = centroids[j, axis], centroids[i, axis]


@compiled
def partition(order: Int32s, centroids: Float32s, axis: int, low: int, high: int, kth: int) -> None:
    """Hoare's quickselect on [low, high) along an axis: afterwards nothing before `kth` is greater, nothing after less.

    Centroids move with their numbers, so that memory is read in order.
    """
    high -= 1
    while low < high:
        first, middle, last = centroids[low, axis], centroids[(low + high) >> 1, axis], centroids[high, axis]
        pivot = max(min(first, middle), min(max(first, middle), last))
        i, j = low, high
        while i <= j:
            while centroids[i, axis] < pivot:
                i += 1
            while centroids[j, axis] > pivot:
                j -= 1
            if i <= j:
                swap(order, centroids, i, j)
                i += 1
                j -= 1
        if kth <= j:
            high = j
        elif kth >= i:
            low = i
        else:
            return


@compiled
def longest_axis(centroids: Float32s, low: int, high: int) -> int:
    x0, y0, z0 = centroids[low, 0], centroids[low, 1], centroids[low, 2]
    x1, y1, z1 = x0, y0, z0
    for i in range(low + 1, high):
        x, y, z = centroids[i, 0], centroids[i, 1], centroids[i, 2]
        x0, x1, y0, y1, z0, z1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y), min(z0, z), max(z1, z)
    x, y, z = x1 - x0, y1 - y0, z1 - z0
    if x >= y and x >= z:
        return 0
    return 1 if y >= z else 2


@compiled
def split(order: Int32s, centroids: Float32s, low: int, high: int, capacity: int) -> tuple[int, int]:
    """Order [low, high) around a cut at whole subtrees; gives (cut, capacity of a subtree), the cut -1 when done."""
    count = high - low
    while capacity >= 1 and count <= capacity:
        capacity //= CHILDREN
    if capacity < 1 or count <= 1:
        return -1, capacity
    subtrees = (count + capacity - 1) // capacity
    cut = low + (subtrees // 2) * capacity
    partition(order, centroids, longest_axis(centroids, low, high), low, high, cut)
    return cut, capacity


@compiled
def order_range(order: Int32s, centroids: Float32s, low: int, high: int, capacity: int) -> None:
    """Order [low, high) down to single slots."""
    waiting = np.empty((256, 3), np.int64)
    waiting[0, 0], waiting[0, 1], waiting[0, 2] = low, high, capacity
    count = 1
    while count > 0:
        count -= 1
        low, high, capacity = waiting[count, 0], waiting[count, 1], waiting[count, 2]
        cut, capacity = split(order, centroids, low, high, capacity)
        if cut < 0:
            continue
        waiting[count, 0], waiting[count, 1], waiting[count, 2] = cut, high, capacity
        waiting[count + 1, 0], waiting[count + 1, 1], waiting[count + 1, 2] = low, cut, capacity
        count += 2


@compiled
def top_ranges(order: Int32s, centroids: Float32s, capacity: int, wanted: int) -> Int64s:
    """Split the widest range until there are `wanted`, for threads to order apart; rows of low, high, capacity."""
    ranges = np.empty((wanted + 1, 3), np.int64)
    ranges[0, 0], ranges[0, 1], ranges[0, 2] = 0, order.shape[0], capacity
    count = 1
    while count < wanted:
        widest = np.argmax(ranges[:count, 1] - ranges[:count, 0])
        low, high = ranges[widest, 0], ranges[widest, 1]
        cut, capacity = split(order, centroids, low, high, ranges[widest, 2])
        if cut < 0:
            break
        ranges[widest, 1], ranges[widest, 2] = cut, capacity
        ranges[count, 0], ranges[count, 1], ranges[count, 2] = cut, high, capacity
        count += 1
    return ranges[:count]


@compiled_parallel
def order_ranges(order: Int32s, centroids: Float32s, ranges: Int64s) -> None:
    for k in prange(ranges.shape[0]):
        order_range(order, centroids, ranges[k, 0], ranges[k, 1], ranges[k, 2])


def tree_order(centroids: Float32s, threads: int) -> Int32s:
    """Which triangle each slot holds; `centroids` is (n, 3) and is put into that order."""
    order = np.arange(len(centroids), dtype=np.int32)
    capacity = 1
    while capacity * CHILDREN < len(order):
        capacity *= CHILDREN
    order_ranges(order, centroids, top_ranges(order, centroids, capacity, 4 * threads))
    return order


def boxes_over(low: Float32s, high: Float32s) -> Boxes:
    """All levels above the slots' boxes; the number of slots is a multiple of eight."""
    counts = [len(low) // CHILDREN]
    while counts[-1] > 1:
        counts.append((counts[-1] + CHILDREN - 1) // CHILDREN)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    boxes = aligned_empty((int(starts[-1]) * BOX_FLOATS,), np.float32)
    write_leaf_boxes(low, high, boxes)
    for level in range(1, len(counts)):
        write_upper_boxes(boxes, int(starts[level - 1]), counts[level - 1], int(starts[level]), counts[level])
    return Boxes(boxes, starts)


@compiled_parallel
def write_leaf_boxes(low: Float32s, high: Float32s, boxes: Float32s) -> None:
    for slot in prange(low.shape[0]):
        place = (slot // CHILDREN) * BOX_FLOATS + slot % CHILDREN
        for axis in range(3):
            boxes[place + 2 * axis * CHILDREN] = low[slot, axis]
            boxes[place + (2 * axis + 1) * CHILDREN] = high[slot, axis]


@compiled
def write_upper_boxes(boxes: Float32s, below: int, below_count: int, start: int, count: int) -> None:
    """Boxes of one level from the level below; children that do not exist lie nowhere."""
    for child in range(count * CHILDREN):
        place = (start + child // CHILDREN) * BOX_FLOATS + child % CHILDREN
        for axis in range(3):
            least, most = float32(NOWHERE), float32(-NOWHERE)
            if child < below_count:
                group = (below + child) * BOX_FLOATS + 2 * axis * CHILDREN
                for k in range(CHILDREN):
                    if boxes[group + k] < float32(NOWHERE):
                        least, most = min(least, boxes[group + k]), max(most, boxes[group + CHILDREN + k])
            boxes[place + 2 * axis * CHILDREN] = least
            boxes[place + (2 * axis + 1) * CHILDREN] = max(least, most)
