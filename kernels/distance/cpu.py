"""The search for the closest triangle, on the cores of this machine.

In: packets of 16 neighbouring points, or points that are neighbours as they come; the triangles and the tree over them.
Out: for every point the signed distance in the caller's unit and the slot of its triangle.

Two steps keep it both fast and exact: the `hunt` in single precision finds a winner and its rivals, the `finish` in
double precision measures them.
"""

import numpy as np
from numba import prange
from numpy.typing import NDArray

from kernels.arrays import Float32s, Float64s, Int32s, Int64s, Points, Scalar, UInt32s
from kernels.borrowing import borrowed, held
from kernels.compiled import compiled, compiled_parallel, float32, inlined, int64
from kernels.distance.finish import GROUP, PAIRS, Pairs, closest_exactly, farther_than_said, note_rivals, settle
from kernels.distance.formula import signed
from kernels.distance.hunt import HINTS, RIVALS, ROUNDING, hunt, take_hints
from kernels.distance.lanes import FRAME, PACKET, frame_points, load_points, lowest_bit, measure_winners
from kernels.distance.packets import LANES, PACKET_DOUBLES, fill_last_packet, put
from kernels.turns import THREADS, next_turn

NO_BOUND = float32(1e30)
CHUNK = 8192
"""Points that one thread takes at a time; a multiple of GROUP."""
FRAMED = PACKET + RIVALS * LANES
SINGLES, NUMBERS = FRAMED + FRAME, HINTS + 2 * RIVALS + 2 * PAIRS
"""Room of a chunk: for a packet, tested triangles and a frame; and for hints, rivals and pairs."""


@inlined
def aligned_doubles(count: int) -> Float64s:
    """An uninitialised array of eight-byte numbers that starts on a 64-byte line."""
    raw = np.empty(count + 8)
    start = (-raw.ctypes.data % 64) // 8
    return raw[start : start + count]


@inlined
def aligned_room(count: int, kind: type[Scalar]) -> NDArray[Scalar]:
    """An uninitialised array of four-byte numbers that starts on a 64-byte line."""
    raw = np.empty(count + 16, kind)
    start = (-raw.ctypes.data % 64) // 4
    return raw[start : start + count]


@compiled
def put_out(rows: UInt32s, pairs: Pairs, limit: float, unit: float, distances: Float64s, slots: Int32s) -> None:
    """What was found for a group, to its points' rows."""
    _, found, squared, sides = pairs
    for i in range(rows.shape[0]):
        row = rows[i]
        if found[i] >= 0 and squared[i] <= limit * limit:
            distances[row], slots[row] = signed(squared[i], sides[i]) * unit, found[i]
        else:
            distances[row], slots[row] = np.nan, -1


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
    singles, doubles = aligned_room(SINGLES, np.float32), aligned_doubles(2 * PAIRS)
    winners, numbers = aligned_room(LANES, np.int32), np.empty(NUMBERS, np.int32)
    coordinates, packet, tested = borrowed(coordinates), borrowed(singles[:PACKET]), borrowed(singles[PACKET:FRAMED])
    frame, squared, sides = borrowed(singles[FRAMED:]), borrowed(doubles[:PAIRS]), borrowed(doubles[PAIRS:])
    winner, hints, rest = borrowed(winners), borrowed(numbers[:HINTS]), borrowed(numbers[HINTS:])
    rivals, spare, rest = rest[:RIVALS], rest[RIVALS : 2 * RIVALS], rest[2 * RIVALS :]
    points, found = rest[:PAIRS], rest[PAIRS:]
    pairs = points, found, squared, sides
    hints[:] = -1
    for point in range(first, last, GROUP):
        count = min(GROUP, last - point)
        group = coordinates[(point // LANES) * PACKET_DOUBLES :]
        waiting = int64(GROUP)
        for start in range(0, count, LANES):
            here = group[3 * start : 3 * start + PACKET_DOUBLES]
            load_points(here, 0, packet, winner, NO_BOUND)
            rounding = ROUNDING * (frame_points(packet, frame) + float32(1.0))
            margin = float32(2.0) * rounding
            if limit < 1e14:
                load_points(here, 0, packet, winner, float32((limit + margin) ** 2))
            met = hunt(boxes, starts, records, packet, frame, margin, winner, hints, rivals, spare, tested)
            measure_winners(corners, pseudonormals, group, int64(start // LANES), winner, squared, sides)
            found[start : start + LANES] = winner
            again = farther_than_said(squared[start : start + LANES], packet, rounding)
            if met < 0:
                again = int64(0xFFFF)
            while again != 0:
                lane = lowest_bit(again)
                again &= again - 1
                if winner[lane] >= 0:
                    squared[start + lane], sides[start + lane], found[start + lane] = closest_exactly(
                        boxes, starts, corners, pseudonormals, int64(winner[lane]),
                        here[lane], here[lane + LANES], here[lane + 2 * LANES], margin,
                    )  # fmt: skip
            waiting = note_rivals(
                corners, pseudonormals, group, int64(start), packet, winner, rivals, spare, met, tested, waiting, pairs
            )
            take_hints(winner, hints)
        settle(corners, pseudonormals, group, waiting, pairs)
        put_out(order[point : point + count], pairs, limit, unit, distances, slots)
    held((singles, doubles, winners, numbers))


@inlined
def chunks_of(points: int) -> int:
    return (points + CHUNK - 1) // CHUNK


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
    count, turns = order.shape[0], np.zeros(1, np.int64)
    for _ in prange(THREADS):
        turn = next_turn(turns)
        while turn < chunks_of(count):
            first = turn * CHUNK
            last = min(count, first + CHUNK)
            search_chunk(
                coordinates, order, first, last, boxes, starts, records, corners, pseudonormals, limit, unit,
                distances, slots,
            )  # fmt: skip
            turn = next_turn(turns)


@compiled_parallel
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
    """All points as they come, packed a chunk a time: then they cross memory once. `frame` is the centre and scale."""
    count, turns = points.shape[0], np.zeros(1, np.int64)
    for _ in prange(THREADS):
        turn = next_turn(turns)
        while turn < chunks_of(count):
            first = turn * CHUNK
            here = min(CHUNK, count - first)
            coordinates = aligned_doubles((here + LANES - 1) // LANES * PACKET_DOUBLES)
            order = np.arange(here).astype(np.uint32)
            for i in range(here):
                put(coordinates, i, points[first + i, 0], points[first + i, 1], points[first + i, 2], frame)
            fill_last_packet(coordinates, here)
            # A bare 0 would be a type of its own, for which the whole search would be compiled again.
            search_chunk(
                coordinates, order, int64(0), here, boxes, starts, records, corners, pseudonormals, limit, unit,
                distances[first : first + here], slots[first : first + here],
            )  # fmt: skip
            turn = next_turn(turns)
