"""Fetch the deferred parts of an answer, each as soon as a fragment that it belongs to may come.

In: the deferral of a plan and a way to run one part. Out: after each step the fragments and streams whose fetches are
all over. A fragment within another begins when that one is complete. Closing it ends every fetch that is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.plan.deferral import Deferral, DeferredPart, Part


class DeferredFetches:
    def __init__(self, deferral: Deferral, run: Callable[[DeferredPart], Awaitable[None]]) -> None:
        self._deferral = deferral
        self._run = run
        self._waiting = list(deferral.parts)
        self._running: dict[asyncio.Future[None], Part] = {}
        self._done: set[Part] = set()
        self.complete: set[int] = set()
        self._settle()

    async def next(self) -> bool:
        """Until another fragment is complete; false when none is on its way."""
        before = len(self.complete)
        while len(self.complete) == before and self._running:
            done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self._done.add(self._running.pop(task))
                task.result()
            self._settle()
        return len(self.complete) > before

    async def aclose(self) -> None:
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _settle(self) -> None:
        """Start what may start, and see what is complete; one leads to the other."""
        count = -1
        while count != len(self.complete):
            count = len(self.complete)
            for part in [each for each in self._waiting if self._may_start(each)]:
                self._waiting.remove(part)
                self._running[asyncio.ensure_future(self._run(part))] = part.part
            self.complete |= {each.id for each in self._deferral.fragments if self._is_complete(each.id)}
            self.complete |= {each.id for each in self._deferral.streams if self._is_complete(each.id)}

    def _may_start(self, part: DeferredPart) -> bool:
        return self._done.issuperset(part.after) and any(map(self._may_come, part.part))

    def _may_come(self, fragment: int) -> bool:
        if fragment < 0:
            return True
        parent = self._deferral.fragments[fragment - 1].parent
        return not parent or parent in self.complete

    def _is_complete(self, fragment: int) -> bool:
        parts = (each.part for each in self._deferral.parts if fragment in each.part)
        return self._may_come(fragment) and self._done.issuperset(parts)
