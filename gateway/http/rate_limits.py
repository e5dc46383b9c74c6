"""Whether a caller may ask now: so many operations in a time, for each caller and each document.

In: who asks, from where, and which documents. Out: their standing, as headers; `RateLimited` for who has used it up.
Who is known is counted by subject and tenant, everybody else by IP address.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache

import msgspec
from graphql import GraphQLError, OperationDefinitionNode, parse

from gateway.errors import ErrorCode
from gateway.http.caller_name import counted
from gateway.http.identity import Identity
from gateway.http.rate_counts import Counts, CountsDown, MemoryCounts, Quota, RedisCounts, Verdict
from gateway.http.reading import BadRequest
from gateway.pipeline import OperationRequest
from gateway.traffic_settings import DocumentRate, Rate, RateLimitSettings

_TEXTS_KEPT = 2000
# A longer text is read anew: two thousand of what a body may hold would be gigabytes.
_LONGEST_KEPT = 16 * 1024
Headers = list[tuple[str, str]]


class TurnedAway(BadRequest):
    """Come back later; `headers` say when."""

    def __init__(self, message: str, status: int, code: ErrorCode, retry_after_s: float, headers: Headers) -> None:
        super().__init__(message, status, code)
        self.headers = [*headers, ("Retry-After", str(max(1, math.ceil(retry_after_s))))]


class RateLimits:
    """`counts` None: as the settings say."""

    def __init__(self, settings: RateLimitSettings, max_tokens: int, counts: Counts | None = None) -> None:
        self._settings = settings
        self.by_document = bool(settings.documents)
        self._max_tokens = max_tokens
        self._memory = MemoryCounts(settings.max_kept)
        self._counts = counts or self._memory
        if counts is None and settings.redis_url is not None:
            self._counts = RedisCounts(settings.redis_url, settings.wait_s)
        # Operations turned away, by policy.
        self.refused: dict[str, int] = {}
        self._names: OrderedDict[str, tuple[str, str]] = OrderedDict()

    async def admit(self, identity: Identity | None, address: str, operations: int = 1) -> Headers:
        """Counts operations of a caller, whatever they say."""
        rate = self._settings.anonymous if identity is None else self._settings.caller
        if rate is None or operations < 1:
            return []
        policy = "anonymous" if identity is None else "caller"
        return await self._take([self._quota(policy, policy, counted(identity, address).name, rate, operations)])

    async def admit_documents(
        self, identity: Identity | None, address: str, asked: Sequence[OperationRequest]
    ) -> Headers:
        """Counts operations whose document has a rate of its own."""
        quotas: dict[str, Quota] = {}
        for each in asked:
            for name, rate in self._rates_of(each):
                who = counted(identity, address).name if rate.of == "caller" else "everyone"
                quota = self._quota("document", f"document:{name}", who, rate, 1)
                known = quotas.get(quota.key)
                quotas[quota.key] = quota if known is None else msgspec.structs.replace(known, cost=known.cost + 1)
        return await self._take(list(quotas.values())) if quotas else []

    async def close(self) -> None:
        await self._counts.close()

    async def _take(self, quotas: list[Quota]) -> Headers:
        try:
            verdicts = await self._counts.take(quotas)
        except CountsDown as down:
            if self._settings.when_down == "refuse":
                message = "Requests cannot be counted at the moment; try again."
                raise TurnedAway(message, 503, ErrorCode.OVERLOADED, 1.0, []) from down
            verdicts = self._memory.taken(quotas)
        headers = _headers_of(verdicts)
        refusing = [verdict for verdict in verdicts if verdict.refused]
        if not refusing:
            return headers
        wait_s = max(verdict.retry_after_s for verdict in refusing)
        policy = refusing[0].quota.policy
        self.refused[policy] = self.refused.get(policy, 0) + 1
        raise TurnedAway(_sentence(refusing[0]), 429, ErrorCode.RATE_LIMITED, wait_s, headers)

    def _quota(self, policy: str, kind: str, who: str, rate: Rate, cost: int) -> Quota:
        return Quota(policy, f"{self._settings.prefix}:{kind}:{_hashed(who)}", rate, cost)

    def _rates_of(self, asked: OperationRequest) -> list[tuple[str, DocumentRate]]:
        named, hashed = self._names_of(asked)
        rates = self._settings.documents
        return [(name, rates[name]) for name in (named, hashed) if name in rates]

    def _names_of(self, asked: OperationRequest) -> tuple[str, str]:
        """The operation's name and the text's hash."""
        found = self._names.get(asked.query)
        if found is None:
            text = asked.query.encode("utf-8", "surrogatepass")
            found = (_only_name_in(asked.query, self._max_tokens), hashlib.sha256(text).hexdigest())
            if len(text) <= _LONGEST_KEPT:
                self._names[asked.query] = found
            if len(self._names) > _TEXTS_KEPT:
                self._names.popitem(last=False)
        return asked.operation_name or found[0], found[1]


# What is chosen by the client is hashed: keys are short, and say nothing of anybody in a dump of Redis.
@lru_cache(1024)
def _hashed(who: str) -> str:
    return hashlib.blake2b(who.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _only_name_in(text: str, max_tokens: int) -> str:
    """Of the operation that runs when the request names none."""
    try:
        document = parse(text, no_location=True, max_tokens=max_tokens)
    except (GraphQLError, RecursionError):
        return ""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return operations[0].name.value if len(operations) == 1 and operations[0].name else ""


def _headers_of(verdicts: Sequence[Verdict]) -> Headers:
    """As the IETF's draft has it (httpapi-ratelimit-headers), and the three plain ones for who knows only those."""
    policies = ", ".join([_policy(each.quota.policy, each.quota.rate) for each in verdicts])
    standing = ", ".join([f'"{each.quota.policy}";r={each.remaining};t={math.ceil(each.reset_s)}' for each in verdicts])
    tightest = verdicts[0] if len(verdicts) == 1 else min(verdicts, key=lambda each: each.remaining)
    return [
        ("RateLimit-Policy", policies),
        ("RateLimit", standing),
        ("RateLimit-Limit", str(tightest.quota.burst)),
        ("RateLimit-Remaining", str(tightest.remaining)),
        ("RateLimit-Reset", str(math.ceil(tightest.reset_s))),
    ]


@lru_cache(1024)
def _policy(name: str, rate: Rate) -> str:
    quota = Quota(name, "", rate)
    return f'"{name}";q={quota.burst};w={math.ceil(quota.step_s * quota.burst)}'


def _sentence(verdict: Verdict) -> str:
    rate, wait_s = verdict.quota.rate, max(1, math.ceil(verdict.retry_after_s))
    what = {"document": "of this document"}.get(verdict.quota.policy, "from you")
    if verdict.quota.cost > verdict.quota.burst:
        return f"At most {verdict.quota.burst} operations {what} are taken at once; send fewer in a request."
    return f"At most {rate.requests} operations {what} are taken in {rate.per_s:g} s; try again in {wait_s} s."
