"""How many threads a kernel gets, and how they wait."""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import pytest

from kernels.device import cores_for

_WAITING = """
import numba, numpy
from kernels.morton import morton_keys
morton_keys(numpy.zeros((2**20, 3), numpy.int32), 0)
print(numba.threading_layer())
"""


@pytest.fixture
def several_threads() -> None:
    if numba.config.NUMBA_NUM_THREADS < 2:  # type: ignore[attr-defined]
        pytest.skip("one core has one thread")


@pytest.mark.usefixtures("several_threads")
def test_little_work_gets_one_thread_and_much_gets_all() -> None:
    every = numba.get_num_threads()
    for items, least, wanted in [(0, 8192, 1), (16_383, 8192, 1), (16_384, 8192, 2), (10**9, 8192, every), (4, 2, 2)]:
        with cores_for(items, least) as threads:
            assert threads == numba.get_num_threads() == min(wanted, every)
            with cores_for(10**9) as within:
                assert within == threads
        assert numba.get_num_threads() == every


def test_threads_are_given_back_after_an_error() -> None:
    every = numba.get_num_threads()
    with pytest.raises(ValueError, match="midway"), cores_for(1):
        raise ValueError("midway")
    assert numba.get_num_threads() == every


def test_threads_that_wait_sleep() -> None:
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    ran = subprocess.run(
        [sys.executable, "-c", _WAITING],
        env={**settings, "OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    if ran.stdout.strip() != "omp":
        pytest.skip(f"Numba runs its threads by {ran.stdout.strip()} here")
    # The policy itself is called passive by GNU's library even where threads spin first.
    assert "GOMP_SPINCOUNT = '0'" in ran.stderr
