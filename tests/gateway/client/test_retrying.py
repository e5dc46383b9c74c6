"""When a second try comes: jitter, what `Retry-After` may say, and what the budget leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.client.retrying import Retrying, retry_after_s
from gateway.traffic_settings import RetrySettings

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("-1", 0),
        ("1.5", 0),
        ("٣", 0),
        ("soon", 0),
        ("", 0),
        ("9" * 5000, 999999999999),
        ("Thu, 99 Jan 9999999 12:00:30 GMT", 0),
    ],
)
def test_retry_after_in_both_spellings_and_whatever_else_means_nothing(text: str, seconds: float) -> None:
    assert retry_after_s([("Date", "x"), ("RETRY-AFTER", text)], lambda: NOW) == seconds


def test_the_wait_is_drawn_from_nothing_to_a_doubling_limit() -> None:
    limits: list[float] = []

    def highest(least: float, most: float) -> float:
        limits.append(most)
        assert least == 0.0
        return most

    retrying = Retrying(RetrySettings(most=9, base_s=0.1, most_s=0.5), highest)
    assert [retrying.wait_before(retry, []) for retry in (1, 2, 3, 4)] == [0.1, 0.2, 0.4, 0.5]


def test_the_budget_grows_with_first_tries_and_ends() -> None:
    retrying = Retrying(RetrySettings(budget=0.5, reserve=2))
    granted = [retrying.wait_before(1, []) is not None for _ in range(3)]
    retrying.first_try()
    granted.append(retrying.wait_before(1, []) is not None)
    retrying.first_try()
    granted.append(retrying.wait_before(1, []) is not None)
    assert granted == [True, True, False, False, True]
