"""Points laid out as the search reads them: packets of 16 neighbours, each with its x, then its y, then its z.

In: (n, 3) points and the frame of the mesh. Out: `Packets`, normalised to that frame, in Morton order of 10 bits an
axis or, when the caller says that the points are in a good order already, as they come. A short last packet repeats its
last point.
"""

from dataclasses import dataclass

import numpy as np
from numba import prange

from kernels.arrays import Float64s, Int64s, Points, UInt32s, aligned_empty
from kernels.compiled import compiled, compiled_parallel, float32, inlined, uint32
from kernels.turns import THREADS, next_turn

LANES = 16
PACKET_DOUBLES = 3 * LANES
BUCKET_BITS = 12
BUCKETS = 1 << BUCKET_BITS
DIGIT_BITS = 9
DIGITS = 1 << DIGIT_BITS
LOW_BITS = 2 * DIGIT_BITS
"""A Morton key has 30 bits: 12 choose the bucket, twice 9 order the points within it."""
SMALL_BUCKET = 32


@dataclass(frozen=True)
class Frame:
    """How coordinates are normalised: minus the centre, times a power of two (which rounds nothing)."""

    center: tuple[float, float, float]
    scale: float


@dataclass(frozen=True)
class Packets:
    coordinates: Float64s
    """PACKET_DOUBLES a packet, 64-byte aligned."""
    order: UInt32s
    """Row of the caller's array that each point came from, (n,)."""


@inlined
def spread(bits: int) -> int:
    """Put two zeros between the low ten bits."""
    bits = bits & uint32(0x3FF)
    bits = (bits | (bits << uint32(16))) & uint32(0x030000FF)
    bits = (bits | (bits << uint32(8))) & uint32(0x0300F00F)
    bits = (bits | (bits << uint32(4))) & uint32(0x030C30C3)
    return (bits | (bits << uint32(2))) & uint32(0x09249249)


@compiled_parallel
def bounds(points: Points, threads: int) -> Float64s:
    """Low x, y, z and high x, y, z; NaN, all of them, where a coordinate is NaN or infinite."""
    count = points.shape[0]
    share = (count + threads - 1) // threads
    parts = np.empty((threads, 6))
    for thread in prange(threads):
        first = min(thread * share, count - 1)
        x0, y0, z0 = points[first, 0], points[first, 1], points[first, 2]
        x1, y1, z1 = x0, y0, z0
        # NaN as soon as one of them is no finite number.
        nought = x0 - x0
        for i in range(first, min(count, (thread + 1) * share)):
            x, y, z = points[i, 0], points[i, 1], points[i, 2]
            nought += (x - x) + (y - y) + (z - z)
            x0, x1, y0, y1, z0, z1 = min(x0, x), max(x1, x), min(y0, y), max(y1, y), min(z0, z), max(z1, z)
        parts[thread, 0], parts[thread, 1], parts[thread, 2] = x0, y0, z0
        parts[thread, 3], parts[thread, 4], parts[thread, 5] = x1, y1, z1
        if np.isnan(nought):
            parts[thread] = np.nan
    is_odd = np.isnan(parts[:, 0]).any()
    for thread in range(1, threads):
        for axis in range(3):
            parts[0, axis] = min(parts[0, axis], parts[thread, axis])
            parts[0, 3 + axis] = max(parts[0, 3 + axis], parts[thread, 3 + axis])
    result: Float64s = parts[0]
    if is_odd:
        result[:] = np.nan
    return result


@compiled_parallel
def count_into_buckets(
    points: Points, low: Float64s, scale: float, threads: int, keys: UInt32s, counts: Int64s
) -> None:
    """Morton key of every point, and how many points of each thread's share fall into each bucket."""
    count = points.shape[0]
    share = (count + threads - 1) // threads
    x0, y0, z0, s = float32(low[0]), float32(low[1]), float32(low[2]), float32(scale)
    zero = float32(0.0)
    for thread in prange(threads):
        here = counts[thread]
        for i in range(thread * share, min(count, (thread + 1) * share)):
            x = uint32(max((float32(points[i, 0]) - x0) * s, zero))
            y = uint32(max((float32(points[i, 1]) - y0) * s, zero))
            z = uint32(max((float32(points[i, 2]) - z0) * s, zero))
            key = spread(x) | (spread(y) << uint32(1)) | (spread(z) << uint32(2))
            keys[i] = key
            here[key >> uint32(LOW_BITS)] += 1


@compiled
def starts_of_buckets(counts: Int64s) -> Int64s:
    """First place of every bucket; `counts` become the first place of every thread within it."""
    starts = np.empty(BUCKETS + 1, np.int64)
    total = 0
    for bucket in range(BUCKETS):
        starts[bucket] = total
        for thread in range(counts.shape[0]):
            count = counts[thread, bucket]
            counts[thread, bucket] = total
            total += count
    starts[BUCKETS] = total
    return starts


@compiled_parallel
def scatter_into_buckets(
    points: Points, keys: UInt32s, places: Int64s, bucketed: Points, rows: UInt32s, low_keys: UInt32s
) -> None:
    """Copy points, their rows and the low bits of their keys to their buckets, in order of rows."""
    count, threads = points.shape[0], places.shape[0]
    share = (count + threads - 1) // threads
    for thread in prange(threads):
        next_place = places[thread]
        for i in range(thread * share, min(count, (thread + 1) * share)):
            bucket = keys[i] >> uint32(LOW_BITS)
            place = next_place[bucket]
            next_place[bucket] = place + 1
            bucketed[place, 0], bucketed[place, 1], bucketed[place, 2] = points[i, 0], points[i, 1], points[i, 2]
            rows[place] = i
            low_keys[place] = keys[i] & uint32((1 << LOW_BITS) - 1)


@compiled
def order_few(keys: UInt32s, sorted_keys: UInt32s, places: UInt32s) -> None:
    """Insertion sort; `places` says where each of the sorted keys was."""
    for i in range(keys.shape[0]):
        j = i
        while j > 0 and sorted_keys[j - 1] > keys[i]:
            sorted_keys[j], places[j] = sorted_keys[j - 1], places[j - 1]
            j -= 1
        sorted_keys[j], places[j] = keys[i], i


@compiled
def order_by_digit(
    keys: UInt32s, places: UInt32s, shift: int, counts: Int64s, out_keys: UInt32s, out_places: UInt32s
) -> None:
    """One stable pass of a radix sort over DIGIT_BITS bits."""
    mask = uint32(DIGITS - 1)
    counts[:] = 0
    for i in range(keys.shape[0]):
        counts[(keys[i] >> uint32(shift)) & mask] += 1
    total = 0
    for digit in range(DIGITS):
        total, counts[digit] = total + counts[digit], total
    for i in range(keys.shape[0]):
        digit = (keys[i] >> uint32(shift)) & mask
        out_keys[counts[digit]], out_places[counts[digit]] = keys[i], places[i]
        counts[digit] += 1


@compiled
def order_bucket(keys: UInt32s, places: UInt32s, spare_keys: UInt32s, spare_places: UInt32s, counts: Int64s) -> None:
    """`places` becomes the order of `keys`; keys are changed."""
    if keys.shape[0] <= SMALL_BUCKET:
        order_few(keys, spare_keys, places)
        return
    for i in range(keys.shape[0]):
        places[i] = i
    order_by_digit(keys, places, 0, counts, spare_keys, spare_places)
    order_by_digit(spare_keys, spare_places, DIGIT_BITS, counts, keys, places)


@inlined
def put(
    coordinates: Float64s, point: int, x: float, y: float, z: float, frame: tuple[float, float, float, float]
) -> None:
    """Write a normalised point to its lane; `frame` is the centre and the scale."""
    lane = (point // LANES) * PACKET_DOUBLES + point % LANES
    coordinates[lane] = (x - frame[0]) * frame[3]
    coordinates[lane + LANES] = (y - frame[1]) * frame[3]
    coordinates[lane + 2 * LANES] = (z - frame[2]) * frame[3]


@compiled_parallel
def pack_buckets(
    starts: Int64s,
    bucketed: Points,
    rows: UInt32s,
    low_keys: UInt32s,
    frame: tuple[float, float, float, float],
    groups: int,
    coordinates: Float64s,
    order: UInt32s,
) -> None:
    """Order every bucket and write its points to their packets; a thread takes a group of buckets at a time."""
    widest = 0
    for bucket in range(BUCKETS):
        widest = max(widest, starts[bucket + 1] - starts[bucket])
    turns = np.zeros(1, np.int64)
    for _ in prange(THREADS):
        group = next_turn(turns)
        if group >= groups:
            continue
        places, spare_places = np.empty(widest, np.uint32), np.empty(widest, np.uint32)
        spare_keys, counts = np.empty(widest, np.uint32), np.empty(DIGITS, np.int64)
        while group < groups:
            for bucket in range(group * (BUCKETS // groups), (group + 1) * (BUCKETS // groups)):
                start, end = starts[bucket], starts[bucket + 1]
                count = end - start
                if count == 0:
                    continue
                order_bucket(low_keys[start:end], places[:count], spare_keys[:count], spare_places[:count], counts)
                for i in range(count):
                    row = start + places[i]
                    put(coordinates, start + i, bucketed[row, 0], bucketed[row, 1], bucketed[row, 2], frame)
                    order[start + i] = rows[row]
            group = next_turn(turns)


@compiled_parallel
def pack_in_order(points: Points, frame: tuple[float, float, float, float], coordinates: Float64s) -> None:
    for i in prange(points.shape[0]):
        put(coordinates, i, points[i, 0], points[i, 1], points[i, 2], frame)


@compiled
def fill_last_packet(coordinates: Float64s, count: int) -> None:
    """Repeat the last point in the lanes that no point took."""
    used = count % LANES
    if used == 0:
        return
    for axis in range(3):
        first = (count // LANES) * PACKET_DOUBLES + axis * LANES
        coordinates[first + used : first + LANES] = coordinates[first + used - 1]


def empty_packets(count: int) -> Float64s:
    packets = (count + LANES - 1) // LANES
    return aligned_empty((packets * PACKET_DOUBLES,), np.float64)


def packets_in_order(points: Points, frame: Frame) -> Packets:
    """Packets of points as they come."""
    coordinates = empty_packets(len(points))
    pack_in_order(points, (*frame.center, frame.scale), coordinates)
    fill_last_packet(coordinates, len(points))
    return Packets(coordinates, np.arange(len(points), dtype=np.uint32))


def packets_in_morton_order(points: Points, low_and_high: Float64s, frame: Frame, threads: int) -> Packets:
    """Packets of points that are near each other; `low_and_high` are their bounds."""
    count = len(points)
    extent = float((low_and_high[3:] - low_and_high[:3]).max())
    # 1023.9, not 1024: single precision may round the largest coordinate up.
    scale = 1023.9 / extent if extent > 0 else 0.0
    keys, counts = np.empty(count, np.uint32), np.zeros((threads, BUCKETS), np.int64)
    count_into_buckets(points, low_and_high[:3], scale, threads, keys, counts)
    starts = starts_of_buckets(counts)
    bucketed, rows, low_keys = np.empty_like(points), np.empty(count, np.uint32), np.empty(count, np.uint32)
    scatter_into_buckets(points, keys, counts, bucketed, rows, low_keys)
    coordinates, order = empty_packets(count), keys
    pack_buckets(starts, bucketed, rows, low_keys, (*frame.center, frame.scale), 64, coordinates, order)
    fill_last_packet(coordinates, count)
    return Packets(coordinates, order)


def morton_order(points: Points, threads: int) -> UInt32s:
    """Rows of the points along a Morton curve: neighbours in it are neighbours in space."""
    unit = Frame((0.0, 0.0, 0.0), 1.0)
    return packets_in_morton_order(points, bounds(points, threads), unit, threads).order
