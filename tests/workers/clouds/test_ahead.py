"""Work that is under way at once: in order, one ahead and no more, and none left running."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from workers.clouds.ahead import one_ahead, together


async def test_all_at_once_come_in_order_and_a_failure_ends_the_others() -> None:
    met = asyncio.Barrier(3)
    cancelled = []

    async def meets(number: int) -> int:
        await met.wait()
        return number

    async def waits() -> int:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("waits")
            raise
        return 0

    async def fails() -> int:
        await asyncio.sleep(0)
        raise ValueError("one")

    assert await together([meets(number) for number in range(3)]) == [0, 1, 2]
    with pytest.raises(ValueError, match="one"):
        await together([waits(), fails(), waits()])
    assert cancelled == ["waits", "waits"]


async def test_the_next_is_made_while_one_is_used_and_no_more() -> None:
    told: list[str] = []
    pause_s = {1: 0.0, 2: 0.03, 3: 0.0}

    async def made(number: int) -> int:
        told.append(f"{number} begun")
        await asyncio.sleep(pause_s[number])
        told.append(f"{number} made")
        return number * 10

    async with aclosing(one_ahead([1, 2, 3], made)) as each:
        async for number, result in each:
            assert result == number * 10
            await asyncio.sleep(0.01)
            told.append(f"{number} used")
    # The second takes longer to make than the first is used: the third waits for it, too.
    assert " ".join(told) == ("1 begun 1 made 2 begun 1 used 2 made 3 begun 3 made 2 used 3 used")
    async with aclosing(one_ahead([], made)) as each:
        assert [item async for item in each] == []


@pytest.mark.parametrize("fails_in", ["use", "making"])
async def test_what_is_ahead_ends_with_the_user(fails_in: str) -> None:
    async def made(number: int) -> int:
        if number == 2 and fails_in == "making":
            raise ValueError("two")
        if number > 1:
            await asyncio.Event().wait()
        return number

    async def use() -> None:
        async with aclosing(one_ahead([1, 2, 3], made)) as each:
            async for _ in each:
                if fails_in == "use":
                    raise ValueError("two")

    with pytest.raises(ValueError, match="two"):
        await use()
    assert asyncio.all_tasks() == {asyncio.current_task()}
