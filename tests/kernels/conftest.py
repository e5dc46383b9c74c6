"""Kernels are compiled before the first test of them, so that no test is charged with it."""

import pytest

from kernels.warming import warm_up


@pytest.fixture(scope="session", autouse=True)
def compiled_kernels() -> None:
    warm_up()
