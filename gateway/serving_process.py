"""How a serving process is set: what is built stays, what a request frees is kept for the next, the loop has its turn.

These are settings of the process, so only what serves makes them; an application built inside another program keeps
that program's own.
"""

from __future__ import annotations

import gc
import sys

# Most objects of a request die young and hold no cycles. A collection of so many takes 15 ms: planning makes them.
_GC_THRESHOLD = 10_000

# Seconds. While a plan is made aside, the loop waits so long for its turn each time that it comes back from waiting.
_TURN_S = 0.0003

# Just under the 32 MiB beyond which glibc learns nothing from what is freed (mallopt(3), M_MMAP_THRESHOLD).
_LEARNED_FROM = 31 << 20


def settle() -> None:
    """Call once, when all that lasts is built and before the first request.

    glibc gives the end of its heap back to the kernel once 128 KiB of it are free, which a few answers in flight are:
    each time they come again, so do a page fault and the kernel's zeroing for every 4 KiB. It raises that limit to
    twice the largest block that it mapped and saw freed, so one such block is shown to it, never touched and thus
    never in memory. At most 62 MiB that are free stay with the process. Elsewhere than on glibc this does nothing, nor
    where MALLOC_TRIM_THRESHOLD_ or MALLOC_MMAP_THRESHOLD_ in the environment say otherwise.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 20)
    sys.setswitchinterval(_TURN_S)
    bytes(_LEARNED_FROM)
