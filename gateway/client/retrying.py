"""Whether a request may be sent a second time, and when. Decides only; sends nothing.

In: a try's number, what came back. Out: seconds to wait, or None for no second try. The budget grows with first tries
and shrinks with second ones: when everything fails, retries are a fixed part more and not a multiple.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gateway.traffic_settings import RetrySettings

RETRIED_STATUSES = frozenset({429, 502, 503, 504})


class Retrying:
    def __init__(self, settings: RetrySettings, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._settings = settings
        self._draw = draw
        self._saved = settings.reserve

    def first_try(self) -> None:
        saved = self._saved + self._settings.budget
        self._saved = saved if saved < self._settings.reserve else self._settings.reserve

    def wait_before(self, retry: int, headers: Iterable[tuple[str, str]]) -> float | None:
        """`retry`: 1 for the second try. Takes from the budget when there is to be one."""
        if retry > self._settings.most or self._saved < 1.0:
            return None
        asked = retry_after_s(headers)
        if asked > self._settings.retry_after_most_s:
            return None
        self._saved -= 1.0
        return asked + self._draw(0.0, min(self._settings.most_s, self._settings.base_s * 2.0 ** (retry - 1)))


def retry_after_s(headers: Iterable[tuple[str, str]], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float:
    """What `Retry-After` asks for, in seconds; 0 where there is none or it cannot be read."""
    text = next((value.strip() for name, value in headers if name.lower() == "retry-after"), "")
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    # A date that names no zone means UTC (RFC 9110, 5.6.7).
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now()).total_seconds())
