"""The decorators under which kernels are compiled, and where the compiled code is kept.

Numba keys its disk cache by the file of the compiled function alone, so a change in a function that was inlined from
another file would leave stale machine code behind. The cache folder therefore carries a digest of all kernel sources.
`NUMBA_CACHE_DIR` is honoured; without it the cache lies beside the sources, or in the home folder where those cannot
be written.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numba.extending
import numpy as np
from numba import njit

PACKAGE = Path(__file__).parent

FINITE_MATH = {"nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"}
"""Fast-math flags of the single-precision search; sound because the border refuses NaN and infinity."""


def _sources_digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(PACKAGE.rglob("*.py")):
        digest.update(source.relative_to(PACKAGE).as_posix().encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _keep_cache_by_sources() -> Path:
    beside = PACKAGE if os.access(PACKAGE, os.W_OK) else Path.home() / ".cache" / "d2r-kernels"
    settings = vars(numba.config)
    base = Path(settings["CACHE_DIR"] or beside / "__pycache__" / "numba")
    folder = base / _sources_digest()
    settings["CACHE_DIR"] = str(folder)
    return folder


CACHE = _keep_cache_by_sources()
"""All processes of one checkout share it, unless `NUMBA_CACHE_DIR` differs."""

F = TypeVar("F", bound=Callable[..., object])


# error_model "numpy": a division needs no branch for zero, which more than doubles the speed of the search.
def compiled(function: F) -> F:
    """One thread, strict float arithmetic."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


def compiled_parallel(function: F) -> F:
    """All threads (`prange`), strict float arithmetic; call it within `kernels.device.cores_for`."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy", parallel=True)(function))


def compiled_finite(function: F) -> F:
    """One thread, arithmetic that may be reordered and takes every number for finite."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy", fastmath=FINITE_MATH)(function))


def inlined(function: F) -> F:
    """Arithmetic that LLVM pastes into its callers, with its own strict float rules; cached as a part of them."""
    return cast(F, njit(nogil=True, error_model="numpy")(function))


def pasted(function: F) -> F:
    """What chooses among arrays: pasted by Numba itself, before it counts references to them in every branch."""
    return cast(F, njit(nogil=True, error_model="numpy", inline="always")(function))


instruction: Any = numba.extending.intrinsic
"""A function that writes LLVM code. Untyped: its Python signature is not that of the instruction it becomes."""

# Inside compiled code these choose a machine type; to the type checker they are plain numbers.
int64 = cast("Callable[[object], int]", np.int64)
int32 = cast("Callable[[object], int]", np.int32)
uint32 = cast("Callable[[object], int]", np.uint32)
uint64 = cast("Callable[[object], int]", np.uint64)
float32 = cast("Callable[[object], float]", np.float32)
float64 = cast("Callable[[object], float]", np.float64)
