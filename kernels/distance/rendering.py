"""One source of arithmetic for several machines: a formula's functions made anew over other primitives.

In: a compiled function of `formula`, what replaces its primitives (`chosen`, `smaller`, `larger`), and what is done to
every function on the way. Out: the same function for another machine, with all that it calls.
"""

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any


def rendered(
    function: Any,
    primitives: Mapping[str, Callable[..., Any]],
    made: Callable[[Any], Any] = lambda plain: plain,
) -> Any:
    """`function`, and every compiled function that it names, from their Python sources."""
    source = function.py_func
    names = {name: source.__globals__[name] for name in source.__code__.co_names if name in source.__globals__}
    for name, value in names.items():
        if name in primitives:
            names[name] = primitives[name]
        elif hasattr(value, "py_func"):
            names[name] = rendered(value, primitives, made)
    return made(FunctionType(source.__code__, {**names, "__builtins__": __builtins__}, source.__name__))
