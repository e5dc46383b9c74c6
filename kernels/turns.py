"""Turns of a parallel loop, taken by whichever thread is free.

Numba deals a loop's turns out before it begins, a piece for each thread: where one part of the work is harder, or one
core is shared with another process, the others wait. Here each thread comes back for its next turn.
In: a counter that begins at 0. Out: each number from 0 on, once. Which thread takes which differs from run to run, so
what is written must not depend on that.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.np import arrayobj

from kernels.compiled import instruction

Signature = Any
Generator = Any

THREADS = 256
"""How often a loop begins to take turns: more than there are threads, since who begins late finds none left.

(To ask Numba how many there are keeps a function out of its disk cache.)
"""


@instruction
def next_turn(_: Any, counter: Any) -> tuple[Signature, Generator]:
    """The number in `counter`, an int64 array of one element; it is one more for whoever asks next, on any thread."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = arrayobj.make_array(signature.args[0])(context, builder, value=arguments[0]).data
        return builder.atomic_rmw("add", place, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(counter), generate
