"""How many connections one caller holds at once in this process, and who may have one more.

In: callers by their token's subject. Out: places, each given back once. Who shows no token has no name to count under.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gateway.http.identity import Identity

Free = Callable[[], None]


class CallerPlaces:
    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    def has_room(self, identity: Identity | None, besides: int = 0) -> bool:
        """Whether the caller may have one more; `besides`: places that are counted elsewhere."""
        return identity is None or self._held[identity.subject] + besides < self._most

    def take(self, identity: Identity | None) -> Free:
        """Take a place; what comes back gives it back, once however often it is called."""
        if identity is None:
            return lambda: None
        subject, held = identity.subject, [identity.subject]
        self._held[subject] += 1

        def free() -> None:
            if held:
                held.clear()
                self._held[subject] -= 1
                if not self._held[subject]:
                    del self._held[subject]

        return free
