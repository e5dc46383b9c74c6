"""A serving process keeps what requests free: seen by the page faults of a process of its own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

# Blocks as answers are, more than the 128 KiB that glibc keeps untold, asked for and freed again and again.
_ROUNDS = """
import resource
if {settled}:
    from gateway import serving_process
    serving_process.settle()
def requests(rounds):
    for _ in range(rounds):
        held = [bytearray(b"x" * 88_000) for _ in range(20)]
        del held
requests(20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
requests(100)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(*, settled: bool) -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    script = _ROUNDS.format(settled=settled)
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have rules of their own")
def test_memory_that_requests_free_is_not_given_back_and_asked_for_again() -> None:
    assert _faults(settled=True) < 100
    assert _faults(settled=False) > 5_000, "glibc keeps it by itself now: the settling can go"
