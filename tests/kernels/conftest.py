"""Kernels are compiled before the first test of them, so that no test is charged with it."""

import os

import pytest

from kernels.warming import warm_up


@pytest.fixture(scope="session", autouse=True)
def compiled_kernels() -> None:
    # The simulator interprets: there is nothing to compile, and running it all would take minutes.
    if "NUMBA_ENABLE_CUDASIM" not in os.environ:
        warm_up()
