"""How much of a rate is used up: GCRA, in this process's memory or in Redis for all processes together.

In: quotas, each a key with its rate and how many are asked for. Out: a verdict on each. All or none are counted: what
is refused by one quota uses up no other. Of a key only one moment is kept: when all of it will be free again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.errors import GatewayError
from gateway.traffic_settings import Rate

_log = logging.getLogger("gateway")
_ASK_AGAIN_AFTER_S = 1.0
_CONNECTIONS = 16

# The server's clock is everybody's. Microseconds; a double holds them exactly for centuries.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer, moments, refused = {}, {}, false
for i, key in ipairs(KEYS) do
  local step, burst, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local free = tonumber(redis.call('GET', key) or 0)
  if free < now then free = now end
  local after = free + cost * step
  local wait = after - burst * step - now
  if wait > 0.5 then refused = true end
  moments[i] = after
  answer[#answer + 1] = string.format('%.3f', free)
  answer[#answer + 1] = string.format('%.3f', wait)
end
if not refused then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.3f', moments[i]), 'PX', math.ceil((moments[i] - now) / 1000) + 1)
  end
end
answer[#answer + 1] = string.format('%.0f', now)
answer[#answer + 1] = refused and '1' or '0'
return answer
"""


class Quota(Struct, frozen=True):
    """`policy`: what clients know it as; `cost`: how many are asked for."""

    policy: str
    key: str
    rate: Rate
    cost: int = 1

    @property
    def step_s(self) -> float:
        return self.rate.per_s / self.rate.requests

    @property
    def burst(self) -> int:
        return self.rate.burst or self.rate.requests


class Verdict(Struct, frozen=True):
    """remaining: what may come at once now; reset_s: until all of it may; retry_after_s: until what was asked may."""

    quota: Quota
    refused: bool
    remaining: int
    reset_s: float
    retry_after_s: float


class CountsDown(GatewayError):
    """The rates cannot be told: Redis does not answer."""


class Counts(Protocol):
    async def take(self, quotas: Sequence[Quota]) -> list[Verdict]: ...

    async def close(self) -> None: ...


class MemoryCounts:
    """Of at most `most` keys; who was seen least lately is forgotten."""

    def __init__(self, most: int, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now = now
        self._free_at: OrderedDict[str, float] = OrderedDict()

    async def take(self, quotas: Sequence[Quota]) -> list[Verdict]:
        return self.taken(quotas)

    def taken(self, quotas: Sequence[Quota]) -> list[Verdict]:
        now, free_at = self._now(), self._free_at
        found, refused = [], False
        for quota in quotas:
            free = free_at.get(quota.key, 0.0)
            free = now if free < now else free
            wait = free + quota.step_s * (quota.cost - quota.burst) - now
            found.append((quota, free, wait))
            # Sums of steps are not exact: what is off by a nanosecond is on time.
            refused = refused or wait > 1e-9
        if not refused:
            for quota, free, _ in found:
                free_at[quota.key] = free + quota.step_s * quota.cost
                free_at.move_to_end(quota.key)
            while len(free_at) > self._most:
                free_at.popitem(last=False)
        return [_verdict(quota, free, wait, now, refused) for quota, free, wait in found]

    def give_back(self, quota: Quota) -> None:
        """What was taken and not used."""
        if quota.key in self._free_at:
            self._free_at[quota.key] -= quota.step_s * quota.cost

    async def close(self) -> None:
        return None


class RedisCounts:
    """Raises `CountsDown` when Redis does not answer in time; then it is not asked for a second."""

    def __init__(self, url: str, wait_s: float, now: Callable[[], float] = time.monotonic) -> None:
        # Nothing is tried twice: each request has `wait_s` and no more. A connection that is being opened cannot be
        # cancelled, so it has to have the same limits.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=wait_s,
            socket_timeout=wait_s,
            socket_connect_timeout=wait_s,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=pool)
        self._pool = pool
        self._script = self._redis.register_script(_SCRIPT)
        self._wait_s = wait_s
        self._now = now
        self._down_until = float("-inf")

    async def take(self, quotas: Sequence[Quota]) -> list[Verdict]:
        if self._now() < self._down_until:
            raise CountsDown("Redis did not answer a moment ago.")
        arguments = [each for quota in quotas for each in (quota.step_s * 1e6, quota.burst, quota.cost)]
        try:
            async with asyncio.timeout(self._wait_s):
                answer = await self._script([quota.key for quota in quotas], arguments)
        except (TimeoutError, OSError, RedisError) as error:
            if self._now() >= self._down_until:
                _log.warning("rates cannot be told: Redis: %s", str(error) or type(error).__name__)
            self._down_until = self._now() + _ASK_AGAIN_AFTER_S
            raise CountsDown(f"Redis: {error}") from error
        *numbers, now = (float(each) / 1e6 for each in answer[:-1])
        refused = int(answer[-1]) == 1
        found = zip(quotas, numbers[0::2], numbers[1::2], strict=True)
        return [_verdict(quota, free, wait, now, refused) for quota, free, wait in found]

    async def close(self) -> None:
        await self._redis.aclose()
        await self._pool.disconnect()


def _verdict(quota: Quota, free: float, wait: float, now: float, refused: bool) -> Verdict:
    after = free if refused else free + quota.step_s * quota.cost
    remaining = int((now - after) / quota.step_s + quota.burst + 1e-6)
    return Verdict(quota, refused and wait > 1e-9, max(0, remaining), after - now, max(0.0, wait))
