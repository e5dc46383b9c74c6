"""Every attack is answered as it should be, asks nothing of a subgraph, and costs no more than its bound."""

from __future__ import annotations

import pytest

from tests.gateway.attacks.attacks import ATTACKS, Attack
from tests.gateway.attacks.measuring import measured


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
