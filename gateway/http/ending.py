"""End a task for good. In: a task. Out: nothing, when it is over.

A library under a stream may lose one cancellation (`asyncio.wait_for` does in Python 3.11), and the task would go on
for as long as the stream does.
"""

from __future__ import annotations

import asyncio
from typing import TypeVar

_CANCEL_AGAIN_S = 1.0
Result = TypeVar("Result")


async def ended(task: asyncio.Task[Result]) -> None:
    """Cancel until it is over."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_AGAIN_S)
    if not task.cancelled():
        # Nobody else asks for it, and asyncio would complain of that.
        task.exception()
