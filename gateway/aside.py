"""One thread beside the event loop, for what takes longer than the loop may wait: planning, writing programs.

In: work, and what it is known by. Out: its result, for everybody who asks for it while it is under way. One thread,
because what makes plans is not made for two at once. Who asked keeps the result, back on the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_Done = TypeVar("_Done")


class Aside:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "aside")
        self._under_way: dict[Hashable, asyncio.Future[Any]] = {}

    async def done(self, known_by: Hashable, work: Callable[[], _Done]) -> _Done:
        """Raises what `work` raises. Who gives up waiting does not end it for others."""
        under_way = self._under_way.get(known_by)
        if under_way is None:
            under_way = asyncio.get_running_loop().run_in_executor(self._thread, work)
            self._under_way[known_by] = under_way
            under_way.add_done_callback(lambda done: self._forget(known_by, done))
        done: _Done = await asyncio.shield(under_way)
        return done

    def close(self) -> None:
        """What has not begun never will; what has is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _forget(self, known_by: Hashable, done: asyncio.Future[Any]) -> None:
        del self._under_way[known_by]
        if not done.cancelled():
            # Heard, though everybody may have left.
            done.exception()
