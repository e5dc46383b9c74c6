"""Arrays without an owner: who is handed one counts no references.

Numba counts references wherever an array gets another name or goes into a function that has branches. Each count is an
atomic instruction, and a search of packets made of small functions spent a seventh of its time on them.
In: an array that somebody holds. Out: the same elements; `held` says until when the owner must stay.
"""

from typing import Any

from numba.core import types
from numba.np import arrayobj

from kernels.compiled import instruction

Signature = Any
Generator = Any


@instruction
def borrowed(_: Any, array: Any) -> tuple[Signature, Generator]:
    """The array without its owner. Valid while the owner is: keep it with `held`, or take the array as an argument."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        taken = arrayobj.make_array(signature.args[0])(context, builder, value=arguments[0])
        taken.meminfo = taken.meminfo.type(None)
        return taken._getvalue()

    return array(array), generate


@instruction
def held(_: Any, owners: Any) -> tuple[Signature, Generator]:
    """Does nothing; an array, or a tuple of them, lives until here."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.get_dummy_value()

    return types.void(owners), generate
