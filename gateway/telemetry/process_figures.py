"""What this process takes of the machine, under the names that Prometheus' own clients use.

Out: families. Where the system does not tell (it is read from /proc), there are fewer.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

from gateway.telemetry.exposition import Family, counter, gauge

_PROC = Path("/proc/self")
_STARTED_S = time.time()


def process_families() -> list[Family]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    families = [
        counter("process_cpu_seconds_total", "CPU time, user and system.", (), {(): used.ru_utime + used.ru_stime}),
        gauge("process_start_time_seconds", "When the gateway was loaded, Unix time.", (), {(): _STARTED_S}),
    ]
    try:
        pages = (_PROC / "statm").read_text().split()
        size = os.sysconf("SC_PAGE_SIZE")
        open_files = len(os.listdir(_PROC / "fd"))
    except OSError:
        return families
    return [
        *families,
        gauge("process_resident_memory_bytes", "Resident memory.", (), {(): int(pages[1]) * size}),
        gauge("process_virtual_memory_bytes", "Virtual memory.", (), {(): int(pages[0]) * size}),
        gauge("process_open_fds", "Open file descriptors.", (), {(): open_files}),
        gauge("process_max_fds", "As many may be open.", (), {(): resource.getrlimit(resource.RLIMIT_NOFILE)[0]}),
    ]
