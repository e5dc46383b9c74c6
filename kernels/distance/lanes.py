"""The vector instructions of the distance kernel: 16 points against one triangle or box, 8 boxes against 16 points.

In the normalised frame of the tree (half extent of the mesh about 1), and but for `measure_pairs` in single precision.

    packet   float32 (96,)   six rows of 16: x, y, z, least squared distance so far, squared reach, and the reach's lead
    winner   int32 (16,)     slot of the triangle that gave the least distance, -1 for none
    frame    float32 (6,)    box around the packet: x low, x high, y low, y high, z low, z high
    boxes    float32         groups of 8 boxes, 48 floats a group: for each axis eight lows, then eight highs
    tested   float32         rows of 16: squared distances to a triangle that was tested
    records  float32         triangles in their own frame, RECORD floats each (kernels.distance.records)

`reach` is the least distance plus the rounding error of this arithmetic: a triangle farther than it cannot be the
closest one, whatever was rounded. Its square leads that of the least distance by 2 x distance x error + error^2; a lead
that was computed earlier, from a longer distance, is on the safe side.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types

from kernels.compiled import instruction
from kernels.distance import vectors as v
from kernels.distance.formula import CORNERS, FEATURES, dot, offset_from_corners, squared_gap, squared_to_record
from kernels.distance.records import RECORD
from kernels.distance.rendering import rendered

POINTS = 16
CHILDREN = 8
PACKET = 6 * POINTS
FRAME = 6
GROUP = 6 * CHILDREN
BEST_ROW = 3 * POINTS
REACH_ROW = 4 * POINTS
LEAD_ROW = 5 * POINTS
LINE = 16
"""Floats in a line of cache."""

Signature = Any
Generator = Callable[[Any, v.Builder, Any, Any], v.Value]


def _data(context: Any, builder: v.Builder, signature: Any, arguments: Any, position: int) -> v.Value:
    return v.array_data(context, builder, signature.args[position], arguments[position])


def _row(builder: v.Builder, packet: v.Value, offset: int) -> v.Value:
    return v.load(builder, packet, offset, POINTS, 64)


_squared_to_record = rendered(squared_to_record, v.PRIMITIVES)
_offset_from_corners = rendered(offset_from_corners, v.PRIMITIVES)
_squared_gap = rendered(squared_gap, v.PRIMITIVES)
_dot = rendered(dot, v.PRIMITIVES)


def _squared_distances(builder: v.Builder, record: v.Value, packet: v.Value) -> v.Value:
    """Squared distance of 16 points to a triangle."""
    c = [v.Lanes(builder, v.splat(builder, builder.load(v.at(builder, record, k)), POINTS)) for k in range(18)]
    x, y, z = (v.Lanes(builder, _row(builder, packet, POINTS * axis)) for axis in range(3))
    zero, one = (v.Lanes(builder, v.constant(number, POINTS)) for number in (0.0, 1.0))
    return _squared_to_record(x, y, z, c, zero, one).value


def _record(builder: v.Builder, records: v.Value, slot: v.Value) -> v.Value:
    return v.at(builder, records, builder.mul(slot, v.INT64(RECORD)))


@instruction
def improve_by_triangle(
    _: Any, records: Any, slot: Any, packet: Any, winner: Any, tested: Any, row: Any
) -> tuple[Signature, Generator]:
    """Let the triangle in `slot` improve the packet; gives the bits of the points whose reach it lies within.

    What was found goes to a row of `tested`, for `rivals_in_row` to compare once the reach is final.
    """

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        record_data, packet_data, winner_data, tested_data = (
            _data(context, builder, signature, arguments, k) for k in (0, 2, 3, 4)
        )
        squared = _squared_distances(builder, _record(builder, record_data, arguments[1]), packet_data)
        v.store(builder, tested_data, builder.mul(arguments[5], v.INT64(POINTS)), squared, POINTS, 64)
        best = _row(builder, packet_data, BEST_ROW)
        is_better = v.is_less(builder, squared, best)
        least = builder.select(is_better, squared, best)
        v.store(builder, packet_data, BEST_ROW, least, POINTS, 64)
        reach = v.add(builder, least, _row(builder, packet_data, LEAD_ROW))
        v.store(builder, packet_data, REACH_ROW, reach, POINTS, 64)
        slots = v.splat(builder, builder.trunc(arguments[1], v.INT32), POINTS, v.INT32)
        old = v.load(builder, winner_data, 0, POINTS, 64, v.INT32)
        v.store(builder, winner_data, 0, builder.select(is_better, slots, old), POINTS, 64, v.INT32)
        return v.lane_bits(builder, v.is_less(builder, squared, reach), POINTS)

    return types.int64(records, types.int64, packet, winner, tested, types.int64), generate


def _within_reach(builder: v.Builder, tested: v.Value, row: v.Value, packet: v.Value) -> v.Value:
    """Which points reach the triangle that was tested in `row`."""
    squared = v.load(builder, tested, builder.mul(row, v.INT64(POINTS)), POINTS, 64)
    return v.is_less(builder, squared, _row(builder, packet, REACH_ROW))


@instruction
def fetch_boxes(_: Any, boxes: Any, group: Any) -> tuple[Signature, Generator]:
    """Ask memory for the boxes of a group, which are looked at soon."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        boxes_data = _data(context, builder, signature, arguments, 0)
        here = v.at(builder, boxes_data, builder.mul(arguments[1], v.INT64(GROUP)))
        for line in range(0, GROUP, LINE):
            v.prefetch(builder, v.at(builder, here, line))
        return context.get_dummy_value()

    return types.void(boxes, types.int64), generate


@instruction
def fetch_triangle(_: Any, records: Any, slot: Any) -> tuple[Signature, Generator]:
    """Ask memory for the record of a triangle that is tested soon."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        here = _record(builder, _data(context, builder, signature, arguments, 0), arguments[1])
        for line in (0, RECORD - 1):
            v.prefetch(builder, v.at(builder, here, line))
        return context.get_dummy_value()

    return types.void(records, types.int64), generate


@instruction
def points_reaching_row(_: Any, tested: Any, row: Any, packet: Any) -> tuple[Signature, Generator]:
    """Bits of the points within whose reach the triangle tested in `row` lies."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        tested_data, packet_data = (_data(context, builder, signature, arguments, k) for k in (0, 2))
        return v.lane_bits(builder, _within_reach(builder, tested_data, arguments[1], packet_data), POINTS)

    return types.int64(tested, types.int64, packet), generate


@instruction
def rivals_in_row(_: Any, tested: Any, row: Any, slot: Any, packet: Any, winner: Any) -> tuple[Signature, Generator]:
    """Bits of the points within whose reach the triangle in `slot`, tested in `row`, lies although another one won."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        tested_data, packet_data, winner_data = (_data(context, builder, signature, arguments, k) for k in (0, 3, 4))
        within = _within_reach(builder, tested_data, arguments[1], packet_data)
        slots = v.splat(builder, builder.trunc(arguments[2], v.INT32), POINTS, v.INT32)
        winners = v.load(builder, winner_data, 0, POINTS, 64, v.INT32)
        is_other = builder.and_(
            builder.icmp_signed("!=", slots, winners),
            builder.icmp_signed(">=", winners, ir.Constant(winners.type, [0] * POINTS)),
        )
        return v.lane_bits(builder, builder.and_(within, is_other), POINTS)

    return types.int64(tested, types.int64, types.int64, packet, winner), generate


def _measured(
    builder: v.Builder, corner_data: v.Value, normal_data: v.Value, points: list[v.Value], slot: v.Value
) -> tuple[v.Value, v.Value]:
    """Squared distances and sides, in double precision, of 16 points to a triangle each."""
    wide = v.vector_of(v.INT64, POINTS)

    def times(vector: v.Value, number: int) -> v.Value:
        return builder.mul(vector, ir.Constant(wide, [number] * POINTS))

    def plus(vector: v.Value, number: int) -> v.Value:
        return builder.add(vector, ir.Constant(wide, [number] * POINTS))

    row = times(slot, CORNERS)
    corner = v.gather_rows(builder, corner_data, row, POINTS, CORNERS - 1, v.DOUBLE)
    corner.append(v.gather(builder, corner_data, plus(row, CORNERS - 1), POINTS, v.DOUBLE))
    *offset, feature = _offset_from_corners(*(v.Lanes(builder, each) for each in (*points, *corner)))
    first = builder.add(times(slot, 3 * FEATURES), times(feature.value, 3))
    normal = [v.gather(builder, normal_data, plus(first, axis), POINTS, v.FLOAT) for axis in range(3)]
    doubled = [builder.fpext(each, v.vector_of(v.DOUBLE, POINTS)) for each in normal]
    side = _dot(*offset, *(v.Lanes(builder, each) for each in doubled))
    return _dot(*offset, *offset).value, side.value


@instruction
def measure_winners(
    _: Any, corners: Any, pseudonormals: Any, coordinates: Any, packet: Any, winner: Any, squared: Any, sides: Any
) -> tuple[Signature, Generator]:
    """Squared distances and sides, in double precision, of the points of packet number `packet` to their winners.

    They are written at 16 x `packet`; who has no winner gets those to slot 0.
    """

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        corner_data, normal_data, source, winner_data, squared_data, side_data = (
            _data(context, builder, signature, arguments, k) for k in (0, 1, 2, 4, 5, 6)
        )
        here = v.at(builder, source, builder.mul(arguments[3], v.INT64(3 * POINTS)))
        points = [v.load(builder, here, POINTS * axis, POINTS, 64, v.DOUBLE) for axis in range(3)]
        slots = v.load(builder, winner_data, 0, POINTS, 64, v.INT32)
        zero = ir.Constant(slots.type, [0] * POINTS)
        slots = builder.select(builder.icmp_signed("<", slots, zero), zero, slots)
        measured = _measured(
            builder, corner_data, normal_data, points, builder.sext(slots, v.vector_of(v.INT64, POINTS))
        )
        first = builder.mul(arguments[3], v.INT64(POINTS))
        for data, values in zip((squared_data, side_data), measured, strict=True):
            v.store(builder, data, first, values, POINTS, 8, v.DOUBLE)
        return context.get_dummy_value()

    return types.void(corners, pseudonormals, coordinates, types.int64, winner, squared, sides), generate


@instruction
def measure_pairs(
    _: Any,
    corners: Any,
    pseudonormals: Any,
    coordinates: Any,
    points: Any,
    slots: Any,
    first: Any,
    squared: Any,
    sides: Any,
) -> tuple[Signature, Generator]:
    """Squared distances and sides, in double precision, of 16 pairs of a point and a slot from `first` on.

    Points are counted through the packets in `coordinates`; `squared` and `sides` are written at `first` too.
    """

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        corner_data, normal_data, source, point_data, slot_data, squared_data, side_data = (
            _data(context, builder, signature, arguments, k) for k in (0, 1, 2, 3, 4, 6, 7)
        )
        wide = v.vector_of(v.INT64, POINTS)
        point, slot = (
            builder.sext(v.load(builder, data, arguments[5], POINTS, 4, v.INT32), wide)
            for data in (point_data, slot_data)
        )
        lane = builder.and_(point, ir.Constant(wide, [POINTS - 1] * POINTS))
        packet = builder.mul(builder.sub(point, lane), ir.Constant(wide, [3] * POINTS))
        places = [
            builder.add(builder.add(packet, lane), ir.Constant(wide, [POINTS * axis] * POINTS)) for axis in range(3)
        ]
        where = [v.gather(builder, source, place, POINTS, v.DOUBLE) for place in places]
        measured = _measured(builder, corner_data, normal_data, where, slot)
        for data, values in zip((squared_data, side_data), measured, strict=True):
            v.store(builder, data, arguments[5], values, POINTS, 8, v.DOUBLE)
        return context.get_dummy_value()

    signature = types.void(corners, pseudonormals, coordinates, points, slots, types.int64, squared, sides)
    return signature, generate


def _group_gaps(builder: v.Builder, boxes: v.Value, group: v.Value, frame: v.Value) -> v.Value:
    """Squared distance from the packet's box to the eight boxes of a group."""
    here = v.at(builder, boxes, builder.mul(group, v.INT64(GROUP)))
    edges = [v.splat(builder, builder.load(v.at(builder, frame, k)), CHILDREN) for k in range(FRAME)]
    children = [v.load(builder, here, CHILDREN * k, CHILDREN, 32) for k in range(FRAME)]
    zero = v.constant(0.0, CHILDREN)
    return _squared_gap(*(v.Lanes(builder, each) for each in (*edges, *children, zero))).value


@instruction
def children_within(_: Any, boxes: Any, group: Any, frame: Any, bound: Any, gaps: Any) -> tuple[Signature, Generator]:
    """Write the squared gaps of the eight children of `group` to `gaps`; gives the bits of those below `bound`."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        boxes_data, frame_data, gaps_data = (_data(context, builder, signature, arguments, k) for k in (0, 2, 4))
        squared = _group_gaps(builder, boxes_data, arguments[1], frame_data)
        v.store(builder, gaps_data, 0, squared, CHILDREN, 4)
        return v.lane_bits(builder, v.is_less(builder, squared, v.splat(builder, arguments[3], CHILDREN)), CHILDREN)

    return types.int64(boxes, types.int64, frame, types.float32, gaps), generate


@instruction
def append_children_within(
    _: Any, boxes: Any, group: Any, frame: Any, bound: Any, first_child: Any, found: Any, count: Any
) -> tuple[Signature, Generator]:
    """Append the numbers of the children of `group` below `bound` to `found`, without a branch; gives the new count.

    Writes eight int32 at `count`, so `found` needs room for eight more than it will hold.
    """

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        boxes_data, frame_data, found_data = (_data(context, builder, signature, arguments, k) for k in (0, 2, 5))
        squared = _group_gaps(builder, boxes_data, arguments[1], frame_data)
        is_within = v.is_less(builder, squared, v.splat(builder, arguments[3], CHILDREN))
        first = v.splat(builder, builder.trunc(arguments[4], v.INT32), CHILDREN, v.INT32)
        numbers = builder.add(first, ir.Constant(v.vector_of(v.INT32, CHILDREN), list(range(CHILDREN))))
        kept = v.compress(builder, numbers, is_within, CHILDREN)
        v.store(builder, found_data, arguments[6], kept, CHILDREN, 4, v.INT32)
        return builder.add(arguments[6], builder.ctpop(v.lane_bits(builder, is_within, CHILDREN)))

    signature = types.int64(boxes, types.int64, frame, types.float32, types.int64, found, types.int64)
    return signature, generate


@instruction
def points_reaching(_: Any, boxes: Any, group: Any, child: Any, packet: Any) -> tuple[Signature, Generator]:
    """Bits of the points whose reach meets the box of one child of `group`."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        boxes_data, packet_data = (_data(context, builder, signature, arguments, k) for k in (0, 3))
        here = v.at(builder, boxes_data, builder.add(builder.mul(arguments[1], v.INT64(GROUP)), arguments[2]))
        box = [v.splat(builder, builder.load(v.at(builder, here, CHILDREN * k)), POINTS) for k in range(FRAME)]
        points = [_row(builder, packet_data, POINTS * (k // 2)) for k in range(FRAME)]
        zero = v.constant(0.0, POINTS)
        squared = _squared_gap(*(v.Lanes(builder, each) for each in (*points, *box, zero))).value
        return v.lane_bits(builder, v.is_less(builder, squared, _row(builder, packet_data, REACH_ROW)), POINTS)

    return types.int64(boxes, types.int64, types.int64, packet), generate


@instruction
def load_points(_: Any, packets: Any, first: Any, packet: Any, winner: Any, bound: Any) -> tuple[Signature, Generator]:
    """Start a packet: coordinates to single precision, every least distance and reach to `bound`, no winner."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        source, packet_data, winner_data = (_data(context, builder, signature, arguments, k) for k in (0, 2, 3))
        here = v.at(builder, source, arguments[1])
        for axis in range(3):
            row = v.load(builder, here, POINTS * axis, POINTS, 64, v.DOUBLE)
            single = builder.fptrunc(row, v.vector_of(v.FLOAT, POINTS))
            v.store(builder, packet_data, POINTS * axis, single, POINTS, 64)
        for offset in (BEST_ROW, REACH_ROW):
            v.store(builder, packet_data, offset, v.splat(builder, arguments[4], POINTS), POINTS, 64)
        v.store(builder, packet_data, LEAD_ROW, v.constant(0.0, POINTS), POINTS, 64)
        none = ir.Constant(v.vector_of(v.INT32, POINTS), [-1] * POINTS)
        v.store(builder, winner_data, 0, none, POINTS, 64, v.INT32)
        return context.get_dummy_value()

    return types.void(packets, types.int64, packet, winner, types.float32), generate


@instruction
def frame_points(_: Any, packet: Any, frame: Any) -> tuple[Signature, Generator]:
    """Write the box around the packet to `frame`; gives its largest coordinate, regardless of sign."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        packet_data, frame_data = (_data(context, builder, signature, arguments, k) for k in (0, 1))
        largest = v.FLOAT(0.0)
        for axis in range(3):
            row = _row(builder, packet_data, POINTS * axis)
            low, high = v.reduce(builder, row, POINTS, v.minimum), v.reduce(builder, row, POINTS, v.maximum)
            builder.store(low, v.at(builder, frame_data, 2 * axis))
            builder.store(high, v.at(builder, frame_data, 2 * axis + 1))
            largest = v.maximum(builder, largest, v.maximum(builder, high, builder.fneg(low)))
        return largest

    return types.float32(packet, frame), generate


@instruction
def extend_reach(_: Any, packet: Any, margin: Any) -> tuple[Signature, Generator]:
    """Set every reach to the square of (least distance + margin); gives the largest of them."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        packet_data = _data(context, builder, signature, arguments, 0)
        best = _row(builder, packet_data, BEST_ROW)
        root = v.square_root(builder, best, POINTS)
        margin = v.splat(builder, arguments[1], POINTS)
        lead = v.multiply(builder, margin, v.add(builder, v.add(builder, root, root), margin))
        reach = v.add(builder, best, lead)
        v.store(builder, packet_data, LEAD_ROW, lead, POINTS, 64)
        v.store(builder, packet_data, REACH_ROW, reach, POINTS, 64)
        return v.reduce(builder, reach, POINTS, v.maximum)

    return types.float32(packet, types.float32), generate


@instruction
def lowest_bit(_: Any, bits: Any) -> tuple[Signature, Generator]:
    """Position of the lowest set bit of a number that is not zero."""

    def generate(context: Any, builder: v.Builder, signature: Any, arguments: Any) -> v.Value:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate
