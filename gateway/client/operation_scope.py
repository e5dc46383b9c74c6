"""What the fetches of one operation share inside this process, for as long as the operation runs.

A hosted subgraph keeps here what must be opened once an operation and not once a fetch: its read transaction. The
gateway knows neither what is kept nor why; it ends it all when the operation ends.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol, TypeVar, cast


class Kept(Protocol):
    async def close(self) -> None: ...


Thing = TypeVar("Thing", bound=Kept)


class OperationScope:
    def __init__(self) -> None:
        self._kept: dict[Hashable, Kept] = {}

    @property
    def is_held(self) -> bool:
        """Whether there is anything to end."""
        return bool(self._kept)

    def shared(self, key: Hashable, make: Callable[[], Thing]) -> Thing:
        """The one thing under `key`, made at the first call and closed with the operation."""
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = make()
        return cast("Thing", found)

    async def aclose(self) -> None:
        """End what was kept, newest first; also when one of them fails to end."""
        while self._kept:
            _, newest = self._kept.popitem()
            try:
                await newest.close()
            except BaseException:
                await self.aclose()
                raise
