"""On what the kernels run: today the cores of this machine.

`all_cores` guards every parallel kernel. One call already uses every core, so a second at the same time gains nothing,
and Numba's fallback thread pool ends the process when two Python threads enter it together.
"""

import enum
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numba


class Device(enum.Enum):
    CPU = "cpu"


_ONE_AT_A_TIME = threading.RLock()


def device() -> Device:
    """The device that kernels of this process use."""
    return Device.CPU


@contextmanager
def all_cores() -> Iterator[int]:
    """Hold the cores for one parallel kernel; gives the number of threads it may split its work into."""
    with _ONE_AT_A_TIME:
        yield int(numba.get_num_threads())
