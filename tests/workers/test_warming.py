"""A job of a fresh worker finds every kernel compiled."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from numba.core.dispatcher import Dispatcher
from kernels.warming import warm_up
from tests.workers import test_comparing as comparisons

def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("kernels.")]
    found = {value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)}
    return {f"{one.py_func.__module__}.{one.py_func.__name__}{sorted(map(str, one.signatures))}" for one in found}

warm_up()
before = compiled()
comparisons.test_scans_without_noise_are_compared(comparisons.a_block())
print(*sorted(compiled() - before), sep="\\n")
"""


@pytest.mark.timeout(1500)
def test_a_comparison_compiles_nothing_in_its_job() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=1400, check=True)
    assert done.stdout.split("\n") == ["", ""]
