"""Places on a Morton curve: neighbours on it are neighbours in space.

In: (n, 3) int32 cells, none below zero. Out: (n,) uint64 keys of 21 bits an axis; `shift` says how many low bits of a
cell are left out, so that the largest fits (`shift_for`).
"""

import numpy as np
from numba import prange
from numpy.typing import NDArray

from kernels.arrays import Int32s
from kernels.compiled import compiled_parallel, inlined, uint64
from kernels.device import cores_for

UInt64s = NDArray[np.uint64]

BITS = 21
"""Of each axis."""
WORTH_A_THREAD = 2**18
"""Cells."""


@inlined
def spread(bits: int) -> int:
    """Put two zeros between the low 21 bits."""
    bits = bits & uint64(0x1FFFFF)
    bits = (bits | (bits << uint64(32))) & uint64(0x1F00000000FFFF)
    bits = (bits | (bits << uint64(16))) & uint64(0x1F0000FF0000FF)
    bits = (bits | (bits << uint64(8))) & uint64(0x100F00F00F00F00F)
    bits = (bits | (bits << uint64(4))) & uint64(0x10C30C30C30C30C3)
    return (bits | (bits << uint64(2))) & uint64(0x1249249249249249)


@compiled_parallel
def write_keys(cells: Int32s, shift: int, keys: UInt64s) -> None:
    for i in prange(cells.shape[0]):
        x = spread(uint64(cells[i, 0]) >> uint64(shift))
        y = spread(uint64(cells[i, 1]) >> uint64(shift))
        z = spread(uint64(cells[i, 2]) >> uint64(shift))
        keys[i] = x | (y << uint64(1)) | (z << uint64(2))


def shift_for(largest: int) -> int:
    """How many low bits must go so that `largest` fits."""
    return max(0, int(largest).bit_length() - BITS)


def morton_keys(cells: Int32s, shift: int) -> UInt64s:
    """(n,) the key of every cell."""
    keys = np.empty(len(cells), np.uint64)
    with cores_for(len(cells), WORTH_A_THREAD):
        write_keys(np.ascontiguousarray(cells), shift, keys)
    return keys


def warm_up() -> None:
    """Compile, or load from the disk cache."""
    morton_keys(np.zeros((1, 3), np.int32), 0)
