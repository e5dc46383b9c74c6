"""So many at a time, so many waiting, first come first served. In: what to start. Out: it is started in its turn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable


class Places:
    def __init__(self, most: int, max_waiting: int) -> None:
        self._most = most
        self._max_waiting = max_waiting
        self.taken = 0
        self._waiting: OrderedDict[Hashable, Callable[[], None]] = OrderedDict()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def take(self) -> bool:
        """At once, if there is one."""
        if self.taken >= self._most:
            return False
        self.taken += 1
        return True

    def wait(self, who: Hashable, start: Callable[[], None]) -> bool:
        """`start` is called when the place is theirs. False: too many wait already."""
        if len(self._waiting) >= self._max_waiting:
            return False
        self._waiting[who] = start
        return True

    def withdraw(self, who: Hashable) -> None:
        """Wait no longer."""
        self._waiting.pop(who, None)

    def free(self) -> None:
        """Give a place back: it goes to who has waited longest."""
        if self._waiting:
            _, start = self._waiting.popitem(last=False)
            start()
        else:
            self.taken -= 1
