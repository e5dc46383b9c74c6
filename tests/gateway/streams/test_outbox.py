"""What waits for one reader, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from gateway.streams.counters import Counters
from gateway.streams.outbox import Latest, Ordered, Outbox, Room

WIDE = Room(1000, 1_000_000)


class Told(Struct, frozen=True):
    key: bytes
    text: str
    size: int = 10


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self._alarms: dict[int, tuple[float, Callable[[], object]]] = {}
        self._numbers = count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> Ring:
        number = next(self._numbers)
        self._alarms[number] = (when, callback)
        return Ring(lambda: self._alarms.pop(number, None))

    def move(self, seconds: float) -> None:
        self.now += seconds
        for number, (when, callback) in list(self._alarms.items()):
            if when <= self.now:
                del self._alarms[number]
                callback()


class Ring(Struct, frozen=True):
    cancel: Callable[[], object]


def latest(clock: Hand, rate: float | None = None, room: Room = WIDE) -> tuple[Latest[Told], Counters]:
    counters = Counters()
    return Latest(room, clock, counters, rate), counters


async def taken(outbox: Outbox[Told]) -> list[str]:
    """What a reader gets who takes all that may go now."""
    found: list[str] = []

    async def read() -> None:
        while (item := await outbox.take()) is not None:
            found.append(item.text)

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return found


async def test_the_newest_of_each_key_wins_and_keys_take_turns() -> None:
    outbox, counters = latest(Hand())
    for key, text in ((b"a", "a1"), (b"b", "b1"), (b"a", "a2"), (b"a", "a3")):
        assert outbox.offer(Told(key, text))
    assert await taken(outbox) == ["a3", "b1"]
    assert (counters.superseded, len(outbox)) == (2, 0)


async def test_each_key_goes_out_no_more_often_than_the_rate() -> None:
    clock = Hand()
    outbox, _ = latest(clock, rate=10)
    seen: dict[str, list[float]] = {"a": [], "b": []}
    for tick in range(100):
        outbox.offer(Told(b"a", "a"))
        if tick % 4 == 0:
            outbox.offer(Told(b"b", "b"))
        for text in await taken(outbox):
            seen[text].append(clock.now)
        clock.move(0.01)
    assert [round(moment, 2) for moment in seen["a"][:4]] == [0.0, 0.05, 0.15, 0.25]
    for times in seen.values():
        assert 10 <= len(times) <= 11
        assert all(later - sooner > 0.0494 for sooner, later in pairwise(times))


async def test_what_comes_in_time_goes_fresh_and_not_when_an_alarm_rings() -> None:
    """60 a second, of which 20 go: none of those is older than the moment in which it came."""
    clock = Hand()
    outbox, counters = latest(clock, rate=20)
    ages: list[float] = []
    for tick in range(600):
        if tick % 10 == 0:
            outbox.offer(Told(b"a", str(clock.now)))
        ages += [clock.now - float(text) for text in await taken(outbox)]
        clock.move(1 / 600)
    assert len(ages) == 21
    assert max(ages) == 0.0
    assert counters.superseded == 39


async def test_a_reader_that_waits_is_woken_when_the_key_has_rested() -> None:
    clock = Hand()
    outbox, _ = latest(clock, rate=2)
    outbox.offer(Told(b"a", "a1"))
    assert await taken(outbox) == ["a1"]
    waiting = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    for text in ("a2", "a3"):
        outbox.offer(Told(b"a", text))
        await asyncio.sleep(0)
    clock.move(0.4)
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.move(0.1)
    item = await asyncio.wait_for(waiting, 1)
    assert item is not None
    assert item.text == "a3"


async def test_a_key_that_never_went_out_does_not_wait_for_one_that_rests() -> None:
    clock = Hand()
    outbox, _ = latest(clock, rate=1)
    outbox.offer(Told(b"a", "a1"))
    assert await taken(outbox) == ["a1"]
    outbox.offer(Told(b"a", "a2"))
    waiting = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.offer(Told(b"b", "b1"))
    item = await asyncio.wait_for(waiting, 1)
    assert item is not None
    assert item.text == "b1"


async def test_the_last_state_goes_out_with_the_end_whatever_the_rate() -> None:
    outbox, _ = latest(Hand(), rate=0.01)
    outbox.offer(Told(b"a", "running"))
    assert await taken(outbox) == ["running"]
    outbox.offer(Told(b"a", "done"))
    outbox.end()
    item = await asyncio.wait_for(outbox.take(), 1)
    assert item is not None
    assert item.text == "done"
    assert await asyncio.wait_for(outbox.take(), 1) is None


async def test_memory_of_keys_that_rest_does_not_grow() -> None:
    clock = Hand()
    outbox, _ = latest(clock, rate=100)
    for number in range(2000):
        outbox.offer(Told(str(number).encode(), "x"))
        await taken(outbox)
        clock.move(0.001)
    assert len(outbox._resting) <= 12
    assert len(outbox._alarms) <= 12


@pytest.mark.parametrize("mode", ["latest", "ordered"])
@pytest.mark.parametrize(("room", "fitting"), [(Room(3, 1000), 3), (Room(100, 25), 2), (Room(0, 0), 1)])
async def test_room_is_bounded_in_number_and_bytes_and_one_always_fits(mode: str, room: Room, fitting: int) -> None:
    clock = Hand()
    outbox: Outbox[Told] = Ordered(room, clock) if mode == "ordered" else latest(clock, room=room)[0]
    accepted = [outbox.offer(Told(bytes([number]), str(number))) for number in range(5)]
    assert accepted == [number < fitting for number in range(5)]
    assert await taken(outbox) == [str(number) for number in range(fitting)]
    assert outbox.offer(Told(b"again", "again"))


async def test_a_newer_state_needs_room_for_what_it_is_larger() -> None:
    outbox, _ = latest(Hand(), room=Room(10, 30))
    assert outbox.offer(Told(b"a", "a1", 10))
    assert outbox.offer(Told(b"b", "b1", 10))
    assert outbox.offer(Told(b"a", "a2", 20))
    assert not outbox.offer(Told(b"b", "b2", 11))
    assert await taken(outbox) == ["a2", "b1"]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("offer"), st.integers(0, 3)),
            st.tuples(st.just("take"), st.integers(0, 0)),
            st.tuples(st.just("move"), st.integers(1, 40)),
        ),
        max_size=60,
    )
)
@settings(deadline=None)
def test_whatever_happens_a_reader_gets_the_newest_at_the_rate_and_the_last_at_the_end(
    steps: list[tuple[str, int]],
) -> None:
    """Against a plain account of it: per key the newest that was offered and until when it rests."""

    async def play() -> None:
        clock = Hand()
        outbox, counters = latest(clock, rate=10)
        newest: dict[bytes, str] = {}
        rests: dict[bytes, float] = {}
        offered = delivered = 0
        for step, (deed, number) in enumerate(steps):
            if deed == "move":
                clock.move(number / 1000)
            elif deed == "offer":
                key = bytes([number])
                newest[key] = f"{number} {step}"
                offered += 1
                assert outbox.offer(Told(key, newest[key]))
            else:
                for text in await taken(outbox):
                    key = bytes([int(text.split()[0])])
                    assert text == newest.pop(key)
                    earliest = rests.get(key, 0.0) - 0.05
                    assert clock.now >= earliest - 0.0006
                    rests[key] = max(clock.now, rests.get(key, 0.0)) + 0.1
                    delivered += 1
                # What is left rests; nothing that may go was kept.
                assert all(clock.now < rests[key] for key in newest)
        outbox.end()
        assert sorted(await taken(outbox)) == sorted(newest.values())
        assert counters.superseded == offered - delivered - len(newest)

    asyncio.run(play())


async def test_what_is_ordered_comes_whole_and_then_ends() -> None:
    outbox: Ordered[Told] = Ordered(WIDE, Hand())
    for number in range(5):
        outbox.offer(Told(b"same", str(number)))
    outbox.end()
    assert await taken(outbox) == ["0", "1", "2", "3", "4"]
    assert await outbox.take() is None


async def test_what_is_thrown_away_leaves_room() -> None:
    for outbox in (Ordered[Told](Room(2, 100), Hand()), latest(Hand(), room=Room(2, 100))[0]):
        assert [outbox.offer(Told(bytes([n]), "x")) for n in range(3)] == [True, True, False]
        assert outbox.clear() == 2
        assert outbox.offer(Told(b"new", "new"))
        assert await taken(outbox) == ["new"]
