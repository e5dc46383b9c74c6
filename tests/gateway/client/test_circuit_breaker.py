"""The circuit's three states, on a clock of the test's own."""

from __future__ import annotations

import pytest

from gateway.client.circuit_breaker import CircuitBreaker, State
from gateway.traffic_settings import BreakerSettings
from tests.gateway.clock import Clock

SETTINGS = BreakerSettings(window_s=10, min_requests=10, failure_rate=0.5, open_s=5, probes=2)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(SETTINGS, clock)


def ask(breaker: CircuitBreaker, succeeded: bool | None, times: int = 1) -> None:
    for _ in range(times):
        ticket = breaker.admit()
        assert ticket is not None
        breaker.record(ticket, succeeded)


def test_half_of_ten_opens_it_and_less_does_not(breaker: CircuitBreaker) -> None:
    ask(breaker, True, 6)
    ask(breaker, False, 5)
    assert breaker.state is State.CLOSED
    ask(breaker, False)
    assert (breaker.state, breaker.admit()) == (State.OPEN, None)


def test_a_few_failures_say_nothing(breaker: CircuitBreaker) -> None:
    ask(breaker, False, 9)
    assert breaker.state is State.CLOSED


def test_what_is_older_than_the_window_is_forgotten(breaker: CircuitBreaker, clock: Clock) -> None:
    ask(breaker, False, 9)
    clock.now += 10
    ask(breaker, False, 9)
    assert breaker.state is State.CLOSED
    clock.now += 5
    ask(breaker, False)
    assert breaker.state is State.OPEN


def test_what_was_given_up_says_nothing(breaker: CircuitBreaker) -> None:
    ask(breaker, None, 100)
    assert breaker.state is State.CLOSED


def opened(breaker: CircuitBreaker) -> int:
    """Opens it; a ticket of the time before."""
    old = breaker.admit()
    assert old is not None
    ask(breaker, False, 10)
    return old


def test_only_a_few_are_let_through_to_see(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 5
    tickets = [breaker.admit() for _ in range(4)]
    assert [ticket is not None for ticket in tickets] == [True, True, False, False]
    for ticket in tickets[:2]:
        assert ticket is not None
        breaker.record(ticket, True)
    assert breaker.state is State.CLOSED


def test_one_failure_opens_it_again(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 5
    ask(breaker, True)
    ask(breaker, False)
    assert (breaker.state, breaker.admit()) == (State.OPEN, None)


def test_a_probe_that_is_given_up_makes_room_for_another(breaker: CircuitBreaker, clock: Clock) -> None:
    opened(breaker)
    clock.now += 5
    ask(breaker, None, 10)
    assert breaker.admit() is not None


def test_what_ends_late_says_nothing_about_the_new_state(breaker: CircuitBreaker, clock: Clock) -> None:
    old = opened(breaker)
    clock.now += 5
    assert breaker.admit() is not None
    breaker.record(old, True)
    breaker.record(old, True)
    assert breaker.state is State.HALF_OPEN
    breaker.record(old, False)
    assert breaker.state is State.HALF_OPEN
