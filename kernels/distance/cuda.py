"""The searches of `cpu` and `directional`, by the same names, on a CUDA device.

In: what they take, in host memory. Out: the same distances and slots, written to the caller's arrays. One thread serves
one point; threads beside each other serve neighbours, so they walk alike. Boxes and triangles are tried in single
precision with room for its rounding, and whatever lies within that room is measured in double precision, so the result
is as exact as on the cores. A cloud crosses in batches of bounded size: one is copied while another is searched, and it
may be larger than the device's memory. What is asked of a mesh stays on the device as long as the mesh's arrays live.

Refuses nothing of its own. With NUMBA_ENABLE_CUDASIM=1 set before Numba is imported it runs in Numba's simulator.
"""

import math
import os
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from kernels.arrays import Float32s, Float64s, Int32s, Int64s, Points, UInt32s
from kernels.compiled import float32, int32
from kernels.distance import formula
from kernels.distance.directional import FARTHEST, turned_point
from kernels.distance.hunt import ROUNDING
from kernels.distance.packets import LANES, PACKET_DOUBLES, Frame, packets_in_order
from kernels.distance.records import RECORD
from kernels.distance.rendering import rendered
from kernels.distance.tree import BOX_FLOATS, CHILDREN

gpu: Any = cuda
"""Untyped: what its functions mean differs between host, kernel and simulator."""
BATCH = 1 << 21
"""Points that cross at a time, a multiple of LANES: 50 MB there, 25 MB back."""
STREAMS = 3
BLOCK = 128
STACK = 96
"""Groups that wait in a walk: at most seven a level and eight below; a tree of eleven levels holds 8e9 triangles."""
NO_BOUND = float32(1e30)
ZERO, ONE = float32(0.0), float32(1.0)


def untouched(function: Any) -> Callable[..., Any]:
    source: Callable[..., Any] = function.py_func
    return source


def exact_product() -> Callable[..., Any]:
    """A product that the device does not fuse into a sum: neighbours must agree on the edge that they share."""
    if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "0":
        return untouched(formula.product)
    from numba.cuda import libdevice

    multiplied: Any = libdevice.dmul_rn

    @gpu.jit(device=True)
    def product(left: float, right: float) -> float:
        rounded: float = multiplied(left, right)
        return rounded

    return cast(Callable[..., Any], product)


def for_device(function: Any) -> Any:
    return rendered(function, {"product": exact_product()}, gpu.jit(device=True))


squared_to_record = for_device(formula.squared_to_record)
squared_gap = for_device(formula.squared_gap)
squared_and_side = for_device(formula.squared_and_side)
signed = for_device(formula.signed)
crossing = for_device(formula.crossing)
seen_point = for_device(turned_point)


@gpu.jit(device=True)
def gap_to_child(
    boxes: Float32s, place: int, x0: float, x1: float, y0: float, y1: float, z0: float, z1: float
) -> float:
    """Squared distance of a box (low and high on each axis) to the child whose first number is at `place`."""
    gap: float = squared_gap(
        x0, x1, y0, y1, z0, z1,
        boxes[place], boxes[place + CHILDREN], boxes[place + 2 * CHILDREN], boxes[place + 3 * CHILDREN],
        boxes[place + 4 * CHILDREN], boxes[place + 5 * CHILDREN], ZERO,
    )  # fmt: skip
    return gap


@gpu.jit(device=True)
def squared_to_slot(records: Float32s, slot: int, x: float, y: float, z: float) -> float:
    r = slot * RECORD
    record = (
        records[r], records[r + 1], records[r + 2], records[r + 3], records[r + 4], records[r + 5],
        records[r + 6], records[r + 7], records[r + 8], records[r + 9], records[r + 10], records[r + 11],
        records[r + 12], records[r + 13], records[r + 14], records[r + 15], records[r + 16], records[r + 17],
    )  # fmt: skip
    squared: float = squared_to_record(x, y, z, record, ZERO, ONE)
    return squared


@gpu.jit(device=True)
def level_of(starts: Int64s, group: int) -> int:
    level = 0
    while group >= starts[level + 1]:
        level += 1
    return level


@gpu.jit
def search_point(
    coordinates: Float64s,
    count: int,
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
    """The closest triangle of this thread's point; nearest boxes first."""
    point = gpu.grid(1)
    if point >= count:
        return
    lane = (point // LANES) * PACKET_DOUBLES + point % LANES
    x, y, z = coordinates[lane], coordinates[lane + LANES], coordinates[lane + 2 * LANES]
    px, py, pz = float32(x), float32(y), float32(z)
    margin = float32(2.0) * ROUNDING * (max(abs(px), max(abs(py), abs(pz))) + ONE)
    groups, near = gpu.local.array(STACK, np.int32), gpu.local.array(STACK, np.float32)
    squared, side, found = limit * limit, 1.0, int32(-1)
    reach = float32(min((limit + margin) ** 2, NO_BOUND))
    groups[0], near[0] = starts[starts.shape[0] - 2], ZERO
    waiting = 1
    while waiting > 0:
        waiting -= 1
        if near[waiting] >= reach:
            continue
        group = groups[waiting]
        level = level_of(starts, group)
        floor = waiting
        for child in range(CHILDREN):
            gap = gap_to_child(boxes, group * BOX_FLOATS + child, px, px, py, py, pz, pz)
            if gap >= reach:
                continue
            if level > 0:
                place = waiting
                while place > floor and near[place - 1] < gap:
                    near[place], groups[place] = near[place - 1], groups[place - 1]
                    place -= 1
                near[place], groups[place] = gap, starts[level - 1] + (group - starts[level]) * CHILDREN + child
                waiting += 1
                continue
            slot = group * CHILDREN + child
            if squared_to_slot(records, slot, px, py, pz) < reach:
                here, here_side = squared_and_side(corners, pseudonormals, slot, x, y, z)
                if here < squared or (found < 0 and here <= squared):
                    squared, side, found = here, here_side, int32(slot)
                    reach = float32((math.sqrt(squared) + margin) ** 2)
    distances[point] = signed(squared, side) * unit if found >= 0 else math.nan
    slots[point] = found


@gpu.jit
def search_line(
    coordinates: Float64s,
    count: int,
    turn: Float64s,
    boxes: Float32s,
    starts: Int64s,
    corners: Float64s,
    limit: float,
    unit: float,
    distances: Float64s,
    slots: Int32s,
) -> None:
    """The nearest crossing of the line through this thread's point."""
    point = gpu.grid(1)
    if point >= count:
        return
    lane = (point // LANES) * PACKET_DOUBLES + point % LANES
    x, y, z = seen_point(turn, coordinates[lane], coordinates[lane + LANES], coordinates[lane + 2 * LANES])
    px, py = float32(x), float32(y)
    margin = ROUNDING * float32(max(abs(x), max(abs(y), abs(z))) + 1.0)
    groups = gpu.local.array(STACK, np.int32)
    best, ahead, side, found = limit, 0.0, 1.0, int32(-1)
    groups[0] = starts[starts.shape[0] - 2]
    waiting = 1
    while waiting > 0:
        waiting -= 1
        group = groups[waiting]
        level = level_of(starts, group)
        for child in range(CHILDREN):
            low, high = float32(z - best), float32(z + best)
            if gap_to_child(boxes, group * BOX_FLOATS + child, px, px, py, py, low, high) >= margin * margin:
                continue
            if level > 0:
                groups[waiting] = starts[level - 1] + (group - starts[level]) * CHILDREN + child
                waiting += 1
                continue
            here, whole, crosses = crossing(corners, group * CHILDREN + child, x, y, z)
            if crosses and (abs(here) < best or (found < 0 and abs(here) <= best)):
                best, ahead, side, found = abs(here), here, whole, int32(group * CHILDREN + child)
    inside = ahead * side > 0.0
    distances[point] = math.nan if found < 0 else (-best if inside else best) * unit
    slots[point] = found


_uploads: dict[int, Any] = {}


def uploaded(array: NDArray[Any]) -> Any:
    """The array on the device; copied when first asked for, and let go with the host's array."""
    name = id(array)
    if name not in _uploads:
        _uploads[name] = gpu.to_device(array)
        weakref.finalize(array, _uploads.pop, name, None).atexit = False
    return _uploads[name]


@dataclass(frozen=True)
class Batch:
    """Room for one batch on both sides, and the stream in whose order it is copied and searched."""

    stream: Any
    given: Any
    taken_distances: Any
    taken_slots: Any
    device_given: Any
    device_distances: Any
    device_slots: Any

    @classmethod
    def of(cls, points: int) -> "Batch":
        packets = (points + LANES - 1) // LANES * PACKET_DOUBLES
        return cls(
            gpu.stream(),
            gpu.pinned_array(packets, np.float64),
            gpu.pinned_array(points, np.float64),
            gpu.pinned_array(points, np.int32),
            gpu.device_array(packets, np.float64),
            gpu.device_array(points, np.float64),
            gpu.device_array(points, np.int32),
        )

    def start(self, kernel: Any, coordinates: Float64s, count: int, arguments: Sequence[Any]) -> None:
        """Queue the copy there, the search and the copies back; the host goes on."""
        self.given[: len(coordinates)] = coordinates
        self.device_given.copy_to_device(self.given, stream=self.stream)
        blocks = (count + BLOCK - 1) // BLOCK
        kernel[blocks, BLOCK, self.stream](
            self.device_given, count, *arguments, self.device_distances, self.device_slots
        )
        self.device_distances.copy_to_host(self.taken_distances, stream=self.stream)
        self.device_slots.copy_to_host(self.taken_slots, stream=self.stream)

    def finish(self, order: UInt32s, distances: Float64s, slots: Int32s) -> None:
        """Wait, and put what came back in the caller's order."""
        self.stream.synchronize()
        distances[order] = self.taken_distances[: len(order)]
        slots[order] = self.taken_slots[: len(order)]


def in_batches(
    kernel: Any,
    coordinates: Float64s,
    order: UInt32s,
    arguments: Sequence[Any],
    distances: Float64s,
    slots: Int32s,
    batch: int,
) -> None:
    count = len(order)
    rooms = [Batch.of(min(batch, count)) for _ in range(min(STREAMS, -(-count // batch)))]
    firsts = range(0, count, batch)
    for turn, first in enumerate(firsts):
        room = rooms[turn % len(rooms)]
        if turn >= len(rooms):
            before = first - len(rooms) * batch
            room.finish(order[before : before + batch], distances, slots)
        last = min(count, first + batch)
        packets = coordinates[first // LANES * PACKET_DOUBLES : -(-last // LANES) * PACKET_DOUBLES]
        room.start(kernel, packets, last - first, arguments)
    for turn in range(max(0, len(firsts) - len(rooms)), len(firsts)):
        rooms[turn % len(rooms)].finish(order[firsts[turn] : firsts[turn] + batch], distances, slots)


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
    batch: int = BATCH,
) -> None:
    """All points; `limit` is normalised, distances are multiplied by `unit`."""
    mesh = [uploaded(each) for each in (boxes, starts, records, corners, pseudonormals)]
    in_batches(search_point, coordinates, order, [*mesh, min(limit, FARTHEST), unit], distances, slots, batch)


def search_in_order(
    points: Points,
    frame: tuple[float, float, float, float],
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
    """All points as they come; `frame` is the centre and scale."""
    packets = packets_in_order(points, Frame(frame[:3], frame[3]))
    search(
        packets.coordinates, packets.order, boxes, starts, records, corners, pseudonormals, limit, unit,
        distances, slots,
    )  # fmt: skip


def search_along(
    coordinates: Float64s,
    order: UInt32s,
    turn: Float64s,
    boxes: Float32s,
    starts: Int64s,
    corners: Float64s,
    limit: float,
    unit: float,
    distances: Float64s,
    slots: Int32s,
    batch: int = BATCH,
) -> None:
    """All points along z of the turned frame; `limit` is normalised, distances are multiplied by `unit`."""
    mesh = [uploaded(each) for each in (turn, boxes, starts, corners)]
    in_batches(search_line, coordinates, order, [*mesh, min(limit, FARTHEST), unit], distances, slots, batch)
