"""Every attack is answered as it should be, asks nothing of a subgraph, and costs no more than its bound."""

from __future__ import annotations

import pytest

from gateway.settings import Settings
from tests.gateway.attacks.attacks import AGAIN, ATTACKS, Attack, query
from tests.gateway.attacks.measuring import measured
from tests.gateway.attacks.target import target


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
async def test_an_attack_costs_its_sender_more_than_us(attack: Attack) -> None:
    found = await measured(attack)
    answered = found.last
    if attack.code is not None:
        assert answered.codes == {attack.code}
    assert attack.holds(answered), (answered.status, answered.body[:500])
    assert answered.fetches == attack.fetches
    assert len(answered.body) < 16_000
    assert found.cpu_ms <= attack.cpu_ms
    assert found.memory_mb <= attack.memory_mb


@pytest.mark.parametrize("name", AGAIN)
async def test_what_is_asked_again_is_bounded_as_well(name: str) -> None:
    """A program was written for three types at each of 38 levels: the second request never came to an end."""
    request, most_ms = AGAIN[name]
    async with target(Settings()) as under_attack:
        outcomes = [await under_attack.attack(request) for _ in range(4)]
    assert [outcome.status for outcome in outcomes] == [200] * 4
    assert max(outcome.cpu_ms for outcome in outcomes[1:]) <= most_ms
    assert min(outcome.cpu_ms for outcome in outcomes[1:]) <= most_ms / 2


async def test_an_operations_name_is_not_echoed_whole() -> None:
    async with target(Settings()) as under_attack:
        asked = query("{ __typename }", operationName="x" * 900_000)
        outcome = await under_attack.attack(asked)
    assert len(outcome.body) < 1000


async def test_long_texts_of_which_plans_are_kept_do_not_fill_the_memory() -> None:
    """Two thousand were kept whatever their length, a quarter of a megabyte each."""
    async with target(Settings()) as under_attack:
        for number in range(70):
            outcome = await under_attack.attack(query(f"query Q{number} {{ __typename }} #" + "x" * 250_000))
            assert outcome.answer == {"data": {"__typename": "Query"}}
        kept = under_attack.pipeline.newest.recent(10_000)
    assert len(kept) > 40
    assert sum(len(key[0]) for key in kept) <= 16 * 1024 * 1024
