"""The headers of a subgraph's answer, read when somebody asks for them: most answers have none that anybody wants.

In: a head as it came, or pairs of who has read it already. Out: names in lower case and their values, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Pair = tuple[str, str]


class AnswerHeaders:
    """head: the status line and what are known to be headers. pairs: the headers, where they have been read."""

    __slots__ = ("_head", "_pairs")

    def __init__(self, head: bytes = b"", pairs: Iterable[Pair] | None = None) -> None:
        self._head = head
        self._pairs = None if pairs is None else [(name.lower(), value) for name, value in pairs]

    def __iter__(self) -> Iterator[Pair]:
        if self._pairs is None:
            self._pairs = header_pairs(self._head[self._head.index(b"\n") + 1 :])
        return iter(self._pairs)

    def last(self, name: str) -> str | None:
        """The value of the last of this name, which is in lower case."""
        if self._pairs is None and name.encode() not in self._head.lower():
            return None
        found = None
        for each, value in self:
            if each == name:
                found = value
        return found


NO_HEADERS = AnswerHeaders(pairs=())


def header_pairs(lines: bytes) -> list[Pair]:
    """Names in lower case. `lines` end with CRLF each, and are known to be headers."""
    pairs = []
    for line in lines.decode("latin-1").split("\r\n"):
        if line:
            name, _, value = line.partition(":")
            pairs.append((name.lower(), value.strip(" \t")))
    return pairs
