"""Small pieces of LLVM vector code for Numba intrinsics: load, store, splat, arithmetic, reduce.

In: an LLVM builder and values. Out: LLVM values. No inline assembly: LLVM lowers the widths to AVX-512, AVX2 or NEON.
Arithmetic is emitted under fast-math rules, so operands must be finite.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from llvmlite import ir
from numba.np import arrayobj

Builder: TypeAlias = Any
Value: TypeAlias = Any
"""llvmlite carries no types; these two names say what is meant."""

FLOAT = ir.FloatType()
DOUBLE = ir.DoubleType()
INT32 = ir.IntType(32)
INT64 = ir.IntType(64)
FAST = ("nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc")


def vector_of(element: Any, width: int) -> Any:
    return ir.VectorType(element, width)


def constant(value: float, width: int) -> Value:
    return ir.Constant(vector_of(FLOAT, width), [value] * width)


def splat(builder: Builder, scalar: Value, width: int, element: Any = FLOAT) -> Value:
    """A vector with `scalar` in every lane."""
    undefined = ir.Constant(vector_of(element, width), ir.Undefined)
    first = builder.insert_element(undefined, scalar, INT32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(vector_of(INT32, width), [0] * width))


def array_data(context: Any, builder: Builder, array_type: Any, array: Value) -> Value:
    """Pointer to the first element of a NumPy array argument."""
    return arrayobj.make_array(array_type)(context, builder, value=array).data


def at(builder: Builder, pointer: Value, offset: int | Value) -> Value:
    return builder.gep(pointer, [INT64(offset) if isinstance(offset, int) else offset])


def load(builder: Builder, pointer: Value, offset: int | Value, width: int, align: int, element: Any = FLOAT) -> Value:
    place = builder.bitcast(at(builder, pointer, offset), vector_of(element, width).as_pointer())
    value = builder.load(place)
    value.align = align
    return value


def store(
    builder: Builder, pointer: Value, offset: int | Value, value: Value, width: int, align: int, element: Any = FLOAT
) -> None:
    place = builder.bitcast(at(builder, pointer, offset), vector_of(element, width).as_pointer())
    builder.store(value, place).align = align


def add(builder: Builder, left: Value, right: Value) -> Value:
    return builder.fadd(left, right, flags=FAST)


def subtract(builder: Builder, left: Value, right: Value) -> Value:
    return builder.fsub(left, right, flags=FAST)


def multiply(builder: Builder, left: Value, right: Value) -> Value:
    return builder.fmul(left, right, flags=FAST)


def is_less(builder: Builder, left: Value, right: Value) -> Value:
    return builder.fcmp_ordered("<", left, right, flags=FAST)


def minimum(builder: Builder, left: Value, right: Value) -> Value:
    return builder.select(is_less(builder, left, right), left, right)


def maximum(builder: Builder, left: Value, right: Value) -> Value:
    return builder.select(is_less(builder, right, left), left, right)


def dot(builder: Builder, left: Sequence[Value], right: Sequence[Value]) -> Value:
    """Sum of products, term by term."""
    total = multiply(builder, left[0], right[0])
    for a, b in zip(left[1:], right[1:], strict=True):
        total = add(builder, total, multiply(builder, a, b))
    return total


class Lanes:
    """A vector under Python's operators, so that a formula written for one number emits code for all lanes.

    Single precision under fast-math rules, double precision under strict ones. A Python number beside it is in every
    lane.
    """

    __slots__ = ("builder", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, builder: Builder, value: Value) -> None:
        self.builder, self.value = builder, value

    @property
    def flags(self) -> tuple[str, ...]:
        return FAST if self.value.type.element == FLOAT else ()

    def beside(self, other: "Lanes | float") -> Value:
        """The other operand of an operator."""
        if isinstance(other, Lanes):
            return other.value
        return ir.Constant(self.value.type, [other] * self.value.type.count)

    def __add__(self, other: "Lanes | float") -> "Lanes":
        return Lanes(self.builder, self.builder.fadd(self.value, self.beside(other), flags=self.flags))

    def __sub__(self, other: "Lanes | float") -> "Lanes":
        return Lanes(self.builder, self.builder.fsub(self.value, self.beside(other), flags=self.flags))

    def __mul__(self, other: "Lanes | float") -> "Lanes":
        return Lanes(self.builder, self.builder.fmul(self.value, self.beside(other), flags=self.flags))

    def __truediv__(self, other: "Lanes | float") -> "Lanes":
        return Lanes(self.builder, self.builder.fdiv(self.value, self.beside(other), flags=self.flags))

    def __and__(self, other: "Lanes") -> "Lanes":
        return Lanes(self.builder, self.builder.and_(self.value, other.value))

    def _compared(self, sign: str, other: "Lanes | float") -> "Lanes":
        return Lanes(self.builder, self.builder.fcmp_ordered(sign, self.value, self.beside(other), flags=self.flags))

    def __lt__(self, other: "Lanes | float") -> "Lanes":
        return self._compared("<", other)

    def __le__(self, other: "Lanes | float") -> "Lanes":
        return self._compared("<=", other)

    def __gt__(self, other: "Lanes | float") -> "Lanes":
        return self._compared(">", other)

    def __ge__(self, other: "Lanes | float") -> "Lanes":
        return self._compared(">=", other)


def chosen(condition: Lanes, yes: Lanes | int, no: Lanes | int) -> Lanes:
    """Lane by lane; whole numbers are features."""
    kind = vector_of(INT64, condition.value.type.count)
    picked = [each.value if isinstance(each, Lanes) else ir.Constant(kind, [each] * kind.count) for each in (yes, no)]
    return Lanes(condition.builder, condition.builder.select(condition.value, *picked))


def smaller(left: Lanes, right: Lanes | float) -> Lanes:
    return chosen(left < right, left, Lanes(left.builder, left.beside(right)))


def larger(left: Lanes, right: Lanes | float) -> Lanes:
    return chosen(left > right, left, Lanes(left.builder, left.beside(right)))


PRIMITIVES: dict[str, Callable[..., Any]] = {"chosen": chosen, "smaller": smaller, "larger": larger}
"""What `rendering` puts in the place of the formulas' own."""


def lane_bits(builder: Builder, mask: Value, width: int) -> Value:
    """The lanes of a boolean vector as the low bits of an int64."""
    return builder.zext(builder.bitcast(mask, ir.IntType(width)), INT64)


def reduce(builder: Builder, vector: Value, width: int, combine: Callable[[Builder, Value, Value], Value]) -> Value:
    """Fold the lanes of a vector into one scalar, by halves."""
    while width > 1:
        half = width // 2
        undefined = ir.Constant(vector.type, ir.Undefined)
        picks = vector_of(INT32, half)
        low = builder.shuffle_vector(vector, undefined, ir.Constant(picks, list(range(half))))
        high = builder.shuffle_vector(vector, undefined, ir.Constant(picks, list(range(half, width))))
        vector, width = combine(builder, low, high), half
    return builder.extract_element(vector, INT32(0))


def call_intrinsic(builder: Builder, name: str, result: Any, arguments: Sequence[Value]) -> Value:
    """Call an LLVM intrinsic by its full name; llvmlite cannot form the names of vector types itself."""
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(result, [a.type for a in arguments]), name=name)
    return builder.call(function, arguments)


def prefetch(builder: Builder, pointer: Value) -> None:
    """Ask memory for the line of cache that `pointer` is in: for reading, to keep."""
    line = builder.bitcast(pointer, ir.IntType(8).as_pointer())
    call_intrinsic(builder, "llvm.prefetch.p0", ir.VoidType(), [line, INT32(0), INT32(3), INT32(1)])


def square_root(builder: Builder, vector: Value, width: int) -> Value:
    return call_intrinsic(builder, f"llvm.sqrt.v{width}f32", vector_of(FLOAT, width), [vector])


def shuffled(builder: Builder, left: Value, right: Value, picks: Sequence[int]) -> Value:
    """The picked lanes of two vectors, those of the right one counted on from those of the left one."""
    return builder.shuffle_vector(left, right, ir.Constant(vector_of(INT32, len(picks)), list(picks)))


def transposed(builder: Builder, rows: Sequence[Value]) -> list[Value]:
    """The columns of as many vectors as they have lanes (a power of two): blocks off the diagonal change places."""
    columns, width, step = list(rows), len(rows), 1
    while step < width:
        ahead = [lane if lane & step == 0 else width + lane - step for lane in range(width)]
        behind = [lane + step if lane & step == 0 else width + lane for lane in range(width)]
        for i in range(width):
            if i & step == 0:
                above, below = columns[i], columns[i + step]
                columns[i] = shuffled(builder, above, below, ahead)
                columns[i + step] = shuffled(builder, above, below, behind)
        step *= 2
    return columns


def gather_rows(builder: Builder, data: Value, places: Value, width: int, columns: int, element: Any) -> list[Value]:
    """The `columns` elements of an array from each of `places` (int64) on: whole rows are read, and turned.

    Twice as fast as an element at a time. `width` is a multiple of `columns`, which is a power of two.
    """
    turned = []
    for first in range(0, width, columns):
        starts = [builder.extract_element(places, INT32(lane)) for lane in range(first, first + columns)]
        turned.append(transposed(builder, [load(builder, data, start, columns, 8, element) for start in starts]))
    while len(turned) > 1:
        lanes = range(2 * turned[0][0].type.count)
        turned = [
            [shuffled(builder, *both, lanes) for both in zip(left, right, strict=True)]
            for left, right in zip(turned[::2], turned[1::2], strict=True)
        ]
    return turned[0]


def gather(builder: Builder, data: Value, places: Value, width: int, element: Any) -> Value:
    """The elements of an array at `places` (int64), one a lane."""
    vector = ir.Constant(vector_of(element, width), ir.Undefined)
    for lane in range(width):
        place = builder.extract_element(places, INT32(lane))
        vector = builder.insert_element(vector, builder.load(at(builder, data, place)), INT32(lane))
    return vector


def compress(builder: Builder, values: Value, mask: Value, width: int) -> Value:
    """The int32 lanes whose mask is set, moved to the front."""
    vector = vector_of(INT32, width)
    rest = ir.Constant(vector, ir.Undefined)
    return call_intrinsic(builder, f"llvm.experimental.vector.compress.v{width}i32", vector, [values, mask, rest])
