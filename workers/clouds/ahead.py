"""Work that is under way at once: what fails or is cancelled leaves none of it running.

In: coroutines, or a function that makes them. Out: their results in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Work = Coroutine[Any, Any, _Result]


async def together(works: Sequence[_Work[_Result]]) -> list[_Result]:
    """All of them at once. The first failure is raised when the others have ended, too."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _ended(tasks)


async def one_ahead(
    items: Sequence[_Item], made: Callable[[_Item], _Work[_Result]]
) -> AsyncGenerator[tuple[_Item, _Result], None]:
    """Each item with what is made for it; the next is made while this one is used. To be closed (`aclosing`)."""
    begun = [asyncio.create_task(made(item)) for item in items[:1]]
    try:
        for row, item in enumerate(items):
            result = await begun[0]
            # Not before this one is there: two at a time are all that memory has to hold.
            begun = [asyncio.create_task(made(after)) for after in items[row + 1 : row + 2]]
            yield item, result
    finally:
        await _ended(begun)


async def _ended(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
