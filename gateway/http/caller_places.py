"""How many connections one caller holds at once in this process, and who may have one more.

In: callers by the name that they are counted under. Out: places, each given back once. An address may stand for many
people, so those without a token have a number of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gateway.http.caller_name import Counted

Free = Callable[[], None]


class CallerPlaces:
    """most: of one known caller; most_of_address: of all others from one address together."""

    def __init__(self, most: int, most_of_address: int) -> None:
        self._most, self._most_of_address = most, most_of_address
        self._held: Counter[str] = Counter()

    def has_room(self, caller: Counted, besides: int = 0) -> bool:
        """Whether the caller may have one more; `besides`: places that are counted elsewhere."""
        most = self._most if caller.is_known else self._most_of_address
        return self._held[caller.name] + besides < most

    def take(self, caller: Counted) -> Free:
        """Take a place; what comes back gives it back, once however often it is called."""
        name, held = caller.name, [caller.name]
        self._held[name] += 1

        def free() -> None:
            if held:
                held.clear()
                self._held[name] -= 1
                if not self._held[name]:
                    del self._held[name]

        return free
