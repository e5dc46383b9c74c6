"""One thread beside the event loop, for what takes longer than the loop may wait: planning, writing programs.

In: work, and what it is known by. Out: its result, for everybody who asks for it while it is under way. One thread,
because what makes plans is not made for two at once. Who asked keeps the result, back on the loop. It says when it is
behind, and refuses nothing itself: some would rather wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_Done = TypeVar("_Done")
# Behind: so many wait, and the first of them for so long. One large plan alone is no overload.
_MANY = 64
_LONG_S = 0.5


class Aside:
    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._thread = ThreadPoolExecutor(1, "aside")
        self._waiting_since: deque[float] = deque()
        self._under_way: dict[Hashable, asyncio.Future[Any]] = {}

    @property
    def is_behind(self) -> bool:
        waiting = self._waiting_since
        return len(waiting) >= _MANY and self._now() - waiting[0] > _LONG_S

    async def done(self, known_by: Hashable, work: Callable[[], _Done]) -> _Done:
        """Raises what `work` raises. Who gives up waiting does not end it for others."""
        return await asyncio.shield(self.begun(known_by, work))

    def begun(self, known_by: Hashable, work: Callable[[], _Done]) -> asyncio.Future[_Done]:
        """Others may wait for it too: not to be cancelled."""
        under_way = self._under_way.get(known_by)
        if under_way is None:
            self._waiting_since.append(self._now())
            under_way = asyncio.get_running_loop().run_in_executor(self._thread, self._taken_up, work)
            self._under_way[known_by] = under_way
            under_way.add_done_callback(lambda done: self._forget(known_by, done))
        return under_way

    def close(self) -> None:
        """What has not begun never will; what has is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _taken_up(self, work: Callable[[], _Done]) -> _Done:
        self._waiting_since.popleft()
        return work()

    def _forget(self, known_by: Hashable, done: asyncio.Future[Any]) -> None:
        del self._under_way[known_by]
        if not done.cancelled():
            # Heard, though everybody may have left.
            done.exception()
