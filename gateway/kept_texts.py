"""What is known of operation texts, for the next who asks: those of late, bounded in number and in length."""

from __future__ import annotations

from collections import OrderedDict
from itertools import islice
from typing import Any, Generic, TypeVar

# Characters of all texts: two thousand of the longest that are allowed would be half a gigabyte.
_MOST_TEXT = 16 * 1024 * 1024

_Key = TypeVar("_Key", bound=tuple[str, *tuple[Any, ...]])
_Kept = TypeVar("_Kept")


class KeptTexts(Generic[_Key, _Kept]):
    """A key begins with its text. `most`: how many are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: _Key) -> bool:
        return key in self._kept

    def find(self, key: _Key) -> _Kept | None:
        """It counts as asked for now."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: _Key, value: _Kept) -> None:
        """What was kept under the key before stays."""
        if key in self._kept:
            return
        self._kept[key] = value
        self._length += len(key[0])
        while len(self._kept) > self._most or self._length > _MOST_TEXT:
            gone, _ = self._kept.popitem(last=False)
            self._length -= len(gone[0])

    def recent(self, most: int) -> list[_Key]:
        """What was asked for lately, newest first."""
        return list(islice(reversed(self._kept), most))
