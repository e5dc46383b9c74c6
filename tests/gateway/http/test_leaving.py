"""Listening for a client that leaves: what it costs those who stay."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from starlette.requests import Request
from starlette.types import Message

from gateway.http.leaving import ClientLeft, until_client_leaves


class Heard:
    """What a client sends, after a while; it may be told apart from others when it has gone."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s

    async def __call__(self) -> Message:
        await asyncio.sleep(self._wait_s)
        return {"type": "http.disconnect"}


def request(heard: Heard) -> Request:
    return Request({"type": "http", "method": "POST", "headers": []}, heard)


async def test_a_slow_answer_leaves_nothing_to_collect() -> None:
    heard = Heard(60.0)
    gone = weakref.ref(heard)
    gc.disable()
    try:
        assert await until_client_leaves(request(heard), asyncio.sleep(0.2, "answer")) == "answer"
        del heard
        # The listening task ends at the loop's next turns.
        await asyncio.sleep(0.01)
        assert gone() is None
    finally:
        gc.enable()


async def test_a_client_that_leaves_ends_the_work() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60.0)
        finally:
            ended.set()

    with pytest.raises(ClientLeft):
        await until_client_leaves(request(Heard(0.05)), work())
    assert ended.is_set()
