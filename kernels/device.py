"""On what the kernels run: the cores of this machine, or a CUDA device where there is one.

The device is chosen once a process: the cores, unless `D2R_DEVICE=cuda` asks for a device (`pip install d2r[cuda]`
brings what that takes): what was tried in a simulator only shall not decide unasked. Results differ by last places;
which it was is said by `described`.

`cores_for` guards every parallel kernel. One call already uses every core, so a second at the same time gains nothing,
and Numba's fallback thread pool ends the process when two Python threads enter it together. Little work gets one
thread: several only wait for one another then, up to ten times as long where other processes use the cores as well.
"""

import enum
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numba

from kernels.errors import DeviceMissing


class Device(enum.Enum):
    CPU = "cpu"
    CUDA = "cuda"


# Threads that wait sleep, where OpenMP is what runs them: as a rule they spin, and take the core from the thread that
# they wait for where other processes are at work, too. OpenMP reads it once, as the first parallel kernel runs.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_ONE_AT_A_TIME = threading.RLock()


@cache
def device() -> Device:
    """The device that kernels of this process use; refuses a `D2R_DEVICE` that is not there."""
    wanted = os.environ.get("D2R_DEVICE", "").lower()
    if wanted not in ("", "cpu", "cuda"):
        raise DeviceMissing(wanted, "known are cpu and cuda")
    if wanted != "cuda":
        return Device.CPU
    if (missing := _missing_for_cuda()) is not None:
        raise DeviceMissing(wanted, missing)
    return Device.CUDA


def _missing_for_cuda() -> str | None:
    """Why there is no CUDA; None where there is."""
    try:
        from numba import cuda
    except ImportError as failure:
        return f"Numba has no CUDA here ({failure})"
    return None if cuda.is_available() else "Numba finds no driver or no device"


def described() -> str:
    """For a result's provenance: the device's name, or CPU with its threads."""
    if device() is Device.CPU:
        return f"CPU, {numba.get_num_threads()} threads"
    from numba import cuda

    if not hasattr(cuda, "get_current_device"):
        return "CUDA, simulated"
    name = cuda.get_current_device().name
    return f"CUDA, {name.decode() if isinstance(name, bytes) else name}"


@contextmanager
def cores_for(items: int, least: int = 8192) -> Iterator[int]:
    """Hold the cores for one parallel kernel; gives the number of threads that it may split its work into.

    `items` are what it loops over, `least` how many of them are worth a thread: those of about 4 ms.
    """
    with _ONE_AT_A_TIME:
        allowed = int(numba.get_num_threads())
        threads = max(1, min(allowed, items // least))
        numba.set_num_threads(threads)
        try:
            yield threads
        finally:
            numba.set_num_threads(allowed)
