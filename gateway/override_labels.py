"""Which labelled overrides are on for one request: `@override(from: "a", label: "percent(20)")` and labels of your own.

In: the labels of a supergraph, settings, chance. Out: for each request the labels that are on. One draw decides all
percentages of a request, so that what is on at 10 % is on wherever 20 % is, and few different plans come of it. A label
that is neither a percentage nor set is off: the field stays where it was.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping

Labels = frozenset[str]
_PERCENT = re.compile(r"percent\((\d{1,2}(?:\.\d{1,8})?|100)\)")


class OverrideLabels:
    """`given`: labels of your own, on or off, or the percentage of requests for which one is on."""

    def __init__(
        self,
        labels: Iterable[str],
        given: Mapping[str, bool | float],
        draw: Callable[[], float] = random.random,
    ) -> None:
        shares = {label: _share(label, given) for label in labels}
        self._always = frozenset(label for label, share in shares.items() if share >= 1)
        self._sometimes = {label: share for label, share in shares.items() if 0 < share < 1}
        self._draw = draw

    def on(self) -> Labels:
        """The labels that are on for one request."""
        if not self._sometimes:
            return self._always
        drawn = self._draw()
        return self._always | {label for label, share in self._sometimes.items() if drawn < share}


def _share(label: str, given: Mapping[str, bool | float]) -> float:
    set_to = given.get(label)
    if isinstance(set_to, bool):
        return float(set_to)
    if set_to is not None:
        return set_to / 100
    found = _PERCENT.fullmatch(label)
    return float(found[1]) / 100 if found else 0.0
