"""Compile every kernel, or load it from the disk cache: for the start of a worker, so that no job waits for it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

from kernels import distance, morton
from kernels.compiled import CACHE
from kernels.deviation.nearest import Nearest
from kernels.errors import KernelError
from kernels.m3c2 import compare
from kernels.registration import register
from kernels.registration.starts import surface_sample


def warm_up() -> None:
    """One or two minutes on a fresh cache, less than a second afterwards."""
    with _alone():
        distance.warm_up()
        morton.warm_up()
        corners = np.array([[0, 0, 0], [3, 0, 0], [0, 2, 0], [0.5, 0.3, 1]], np.float64)
        index = distance.MeshIndex.build(corners, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))
        # Whether a tetrahedron can be told from its own turns is of no interest here.
        with suppress(KernelError):
            register(index, surface_sample(index, 500, seed=1))
        nearest = Nearest.among(corners, corners[:, 0], 2)
        nearest.around_each()
        nearest.alone(1.0, np.inf)
        compare(corners, corners, corners, np.tile([0.0, 0.0, 1.0], (4, 1)), 1.0, 1.0)


@contextmanager
def _alone() -> Iterator[None]:
    """One process compiles. Who comes meanwhile waits, and loads what it kept, instead of compiling the same."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "compiling").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
