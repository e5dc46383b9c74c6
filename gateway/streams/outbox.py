"""What waits for one reader, bounded in number and bytes.

In: items, as they come. Out: items, as the reader takes them, and then the end. Never waits with an item for which
there is no room: it says so, and whoever offers it decides.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from gateway.streams.clock import Bell, Clock
from gateway.streams.counters import Counters


class Waiting(Protocol):
    """`key`: whose state it is, where only the newest counts. `size`: bytes."""

    @property
    def key(self) -> bytes: ...

    @property
    def size(self) -> int: ...


Item = TypeVar("Item", bound=Waiting)
# An event loop counts in milliseconds at worst, and wakes whoever waits at the nearest one.
_NEAREST_S = 0.0005


class Room(Struct, frozen=True):
    """How much may wait. One item always may, however large."""

    items: int
    size: int

    def holds(self, items: int, size: int) -> bool:
        return items <= 1 or (items <= self.items and size <= self.size)


class Outbox(Generic[Item]):
    """One reader takes. `taken` rings whenever there is more room than before."""

    def __init__(self, room: Room, clock: Clock, taken: Bell | None = None) -> None:
        self._room = room
        self._clock = clock
        self._bell = Bell(clock)
        self._size = 0
        self._ended = False
        self.taken = taken or Bell(clock)

    def __len__(self) -> int:
        raise NotImplementedError

    def offer(self, item: Item) -> bool:
        """Take the item in; False when there is no room for it."""
        raise NotImplementedError

    async def take(self) -> Item | None:
        """The next item, as soon as it may go; None at the end."""
        while (item := self._next()) is None:
            if self._ended and not len(self):
                return None
            await self._bell.wait(self._due())
        self._size -= item.size
        self.taken.ring()
        return item

    def end(self) -> None:
        """Nothing more will be offered; what waits may go at once."""
        self._ended = True
        self._bell.ring()

    def clear(self) -> int:
        """Throw away what waits; says how much it was."""
        raise NotImplementedError

    def _next(self) -> Item | None:
        raise NotImplementedError

    def _due(self) -> float | None:
        return None


class Ordered(Outbox[Item]):
    """Everything, in the order in which it came."""

    def __init__(self, room: Room, clock: Clock, taken: Bell | None = None) -> None:
        super().__init__(room, clock, taken)
        self._items: deque[Item] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: Item) -> bool:
        if not self._room.holds(len(self._items) + 1, self._size + item.size):
            return False
        self._items.append(item)
        self._size += item.size
        self._bell.ring()
        return True

    def clear(self) -> int:
        thrown = len(self._items)
        self._items.clear()
        self._size = 0
        return thrown

    def _next(self) -> Item | None:
        return self._items.popleft() if self._items else None


class Latest(Outbox[Item]):
    """The newest of each key; each key goes out `rate` times a second at most, or as it comes where there is none.

    After one was taken its key rests. An item that comes in the second half of the rest goes at once, and the next rest
    is longer by what was left of this one. So the average holds, any second has `rate` + 1 of a key at most, and no
    reader gets what has waited for an alarm where something fresher was about to come.
    `counters` learns of every item whose place a newer one has taken.
    """

    def __init__(
        self, room: Room, clock: Clock, counters: Counters, rate: float | None = None, taken: Bell | None = None
    ) -> None:
        super().__init__(room, clock, taken)
        self._counters = counters
        self._rest_s = 0.0 if rate is None else 1.0 / rate
        self._items: dict[bytes, Item] = {}
        # Keys that may go, the first one first; until when others rest; the same by time, with some that is past.
        self._ready: dict[bytes, None] = {}
        self._resting: dict[bytes, float] = {}
        self._alarms: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: Item) -> bool:
        older = self._items.get(item.key)
        size = self._size + item.size - (older.size if older is not None else 0)
        if not self._room.holds(len(self._items) + (older is None), size):
            return False
        self._items[item.key] = item
        self._size = size
        if older is not None:
            self._counters.superseded += 1
        if self._may_go(item.key):
            self._ready[item.key] = None
            self._bell.ring()
        elif len(self._items) == 1:
            # The reader waits without an alarm as long as nothing waits for it.
            self._bell.ring()
        return True

    def end(self) -> None:
        self._ready.update(dict.fromkeys(self._items))
        super().end()

    def clear(self) -> int:
        thrown = len(self._items)
        self._items.clear()
        self._ready.clear()
        self._size = 0
        return thrown

    def _next(self) -> Item | None:
        self._rouse()
        if not self._ready:
            return None
        key = next(iter(self._ready))
        del self._ready[key]
        if self._rest_s:
            self._rest(key)
        return self._items.pop(key)

    def _due(self) -> float | None:
        """When the first of those that rest may go on."""
        return self._alarms[0][0] if self._items and self._alarms else None

    def _may_go(self, key: bytes) -> bool:
        until = self._resting.get(key)
        return until is None or until - self._rest_s / 2 <= self._clock.time() + _NEAREST_S

    def _rest(self, key: bytes) -> None:
        now = self._clock.time()
        until = max(now, self._resting.get(key, now)) + self._rest_s
        self._resting[key] = until
        heappush(self._alarms, (until, key))

    def _rouse(self) -> None:
        """Keys whose rest is over."""
        now = self._clock.time() + _NEAREST_S
        while self._alarms and self._alarms[0][0] <= now:
            until, key = heappop(self._alarms)
            if self._resting.get(key) == until:
                del self._resting[key]
                if key in self._items:
                    self._ready[key] = None
