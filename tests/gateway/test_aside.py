"""Work in the thread beside the loop: done once for all who ask meanwhile, and none of them ends it for the others."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from gateway.aside import Aside


async def test_who_asks_meanwhile_waits_for_the_same() -> None:
    aside, let, begun = Aside(), threading.Event(), []

    def work() -> object:
        begun.append(threading.current_thread())
        assert let.wait(10)
        return object()

    asking = [asyncio.create_task(aside.done("a text", work)) for _ in range(3)]
    await asyncio.sleep(0.05)
    let.set()
    first, *others = await asyncio.gather(*asking)
    assert all(each is first for each in others)
    assert await aside.done("a text", work) is not first, "what is over is not kept here"
    assert len(begun) == 2
    assert threading.main_thread() not in begun


async def test_a_refusal_reaches_all_and_the_next_try_is_a_new_one() -> None:
    aside = Aside()

    def refuse() -> None:
        time.sleep(0.05)
        raise ValueError("not so")

    told = await asyncio.gather(*(aside.done("a text", refuse) for _ in range(2)), return_exceptions=True)
    assert [str(each) for each in told] == ["not so", "not so"]
    assert await aside.done("a text", lambda: 7) == 7


async def test_who_leaves_does_not_end_it_for_others() -> None:
    aside, let = Aside(), threading.Event()

    def work() -> bool:
        return let.wait(10)

    leaving, staying = (asyncio.create_task(aside.done("a text", work)) for _ in range(2))
    await asyncio.sleep(0.05)
    leaving.cancel()
    let.set()
    assert await staying
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_nothing_is_heard_of_what_failed_when_all_had_left(caplog: pytest.LogCaptureFixture) -> None:
    aside, let = Aside(), threading.Event()

    def work() -> None:
        let.wait(10)
        raise ValueError("nobody is there")

    leaving = asyncio.create_task(aside.done("a text", work))
    await asyncio.sleep(0.05)
    leaving.cancel()
    let.set()
    assert await aside.done("another", lambda: 1) == 1
    await asyncio.sleep(0.05)
    assert caplog.text == ""


async def test_it_is_behind_where_many_wait_and_the_first_for_long() -> None:
    now, let = 0.0, threading.Event()
    aside = Aside(lambda: now)
    asking = [asyncio.create_task(aside.done(number, lambda: let.wait(10))) for number in range(65)]
    await asyncio.sleep(0.05)
    assert not aside.is_behind, "they have only just come"
    now = 0.6
    assert aside.is_behind, "one is under way, and 64 wait"
    let.set()
    await asyncio.gather(*asking)
    assert not aside.is_behind
    let.clear()
    few = [asyncio.create_task(aside.done(number, lambda: let.wait(10))) for number in range(64)]
    await asyncio.sleep(0.05)
    now = 60.0
    assert not aside.is_behind, "one that takes long, and few who wait"
    let.set()
    await asyncio.gather(*few)


async def test_closing_waits_for_nothing() -> None:
    aside, let = Aside(), threading.Event()
    asking = [asyncio.create_task(aside.done(key, lambda: let.wait(10))) for key in ("begun", "in line")]
    await asyncio.sleep(0.05)
    began = time.monotonic()
    aside.close()
    assert time.monotonic() - began < 1.0
    let.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert told[0] is True
    assert isinstance(told[1], asyncio.CancelledError)
