"""The line through a gateway's memory."""

from __future__ import annotations

import pytest

from tests.bench.soak import EVERY_S, Sample, growth_mb_per_h


def samples(*memory_mb: float) -> list[Sample]:
    return [Sample(at * EVERY_S, each) for at, each in enumerate(memory_mb)]


def test_a_leak_is_told_in_megabytes_an_hour() -> None:
    leaking = [100 + at * EVERY_S / 60 for at in range(240)]
    assert growth_mb_per_h(samples(*leaking)) == pytest.approx(60.0)


def test_what_grows_while_it_warms_up_does_not_count() -> None:
    warming = [50 + at for at in range(48)] + [98.0] * 192
    assert growth_mb_per_h(samples(*warming)) == pytest.approx(0.0)
