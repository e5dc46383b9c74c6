"""What can be set of traffic: towards subgraphs (guards), at the edge (rates, shedding, API keys)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct


class RetrySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Second tries of queries that met no connection, or the status 429, 502, 503 or 504. Never of anything else.

    The wait is drawn between 0 and `base_s`, doubled for each further retry, at most `most_s`. A `Retry-After` comes on
    top; one above `retry_after_most_s` means no retry. budget: retries for each first try, over time; `reserve` of them
    may be saved up, so that an outage is not amplified and a rare failure is still retried.
    """

    most: int = 2
    base_s: float = 0.05
    most_s: float = 1.0
    retry_after_most_s: float = 5.0
    budget: float = 0.2
    reserve: float = 10.0


class BreakerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When a subgraph is left alone: of `min_requests` or more within `window_s`, `failure_rate` failed.

    A status of 500 or above, a timeout and a broken connection are failures. After `open_s` up to `probes` requests
    at a time are let through: so many successes close the circuit, one failure opens it again.
    """

    enabled: bool = True
    window_s: float = 10.0
    min_requests: int = 20
    failure_rate: float = 0.5
    open_s: float = 5.0
    probes: int = 3


class GuardSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands between execution and one subgraph on the wire.

    max_in_flight: requests at a time; max_waiting: how many more may wait for their turn, within their time.
    shares: identical queries that are in flight at the same time are one request, never across callers.
    deadline_header: tells the subgraph how many milliseconds are left; None: nothing is told.
    """

    retries: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    max_in_flight: int = 200
    max_waiting: int = 1000
    shares: bool = True
    deadline_header: str | None = "X-Request-Timeout-Ms"


class Rate(Struct, frozen=True, forbid_unknown_fields=True):
    """`requests` in `per_s` seconds, evenly; `burst`: how many may come at once (None: all of them)."""

    requests: int
    per_s: float = 60.0
    burst: int | None = None

    def __post_init__(self) -> None:
        if self.requests < 1 or self.per_s <= 0 or (self.burst is not None and self.burst < 1):
            raise ValueError("a rate needs requests and burst of 1 or more and per_s above 0")


class DocumentRate(Rate, frozen=True, forbid_unknown_fields=True):
    """of: what each caller may do, or all of them together."""

    of: Literal["caller", "everyone"] = "caller"


class RateLimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many operations a caller may send.

    caller: who is known, by subject and tenant; anonymous: everybody else, by IP address (IPv6: by the first
    `ipv6_prefix` bits). documents: by operation name, or by the SHA-256 of the text in hex.
    redis_url: counts are shared by all processes that name the same one and `prefix`; without it each counts alone.
    when_down: Redis does not answer within `wait_s`: `allow` (each process counts for itself meanwhile) or `refuse`.
    max_kept: callers that are counted in memory.
    """

    caller: Rate | None = None
    anonymous: Rate | None = None
    documents: Mapping[str, DocumentRate] = {}
    redis_url: str | None = None
    prefix: str = "gateway:rate"
    wait_s: float = 0.1
    when_down: Literal["allow", "refuse"] = "allow"
    ipv6_prefix: int = 64
    max_kept: int = 100_000


class SheddingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """When requests are answered 503 before they are read: too many at work, or the event loop late for a while.

    target_lag_ms: once the loop has been later than this for a second, fewer requests are taken at a time (never fewer
    than 64); while it is not, more, up to `max_in_flight`. A request waits about twice as long.
    retry_after_s: what refused clients are told, and up to twice that.
    """

    enabled: bool = True
    max_in_flight: int = 1000
    target_lag_ms: float = 500.0
    retry_after_s: float = 1.0


class ApiKeySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Callers with a key instead of a token. Of `file` and `introspection_url` one is given.

    file: JSON, a list of keys by prefix and SHA-256. introspection_url: asked as RFC 7662 says, with the text of
    `introspection_authorization` (a file) as `Authorization`, within `timeout_s`.
    cache_s, unknown_s: how long a key that holds, or does not, is not asked about again; max_kept of each.
    stream_s: how long a stream that a key has opened may live.
    failures: keys that do not hold, by IP address; above it no unknown key is looked at.
    """

    header: str = "X-API-Key"
    file: Path | None = None
    introspection_url: str | None = None
    introspection_authorization: Path | None = None
    timeout_s: float = 2.0
    cache_s: float = 60.0
    unknown_s: float = 10.0
    stream_s: float = 3600.0
    max_kept: int = 10_000
    failures: Rate = Rate(10, 60.0)
