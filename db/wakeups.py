"""The broker's message that wakes a worker: a tenant, a job, and the proof that one of ours wrote it.

In: the job signing key and what to wake. Out: a short text; and back again. Whoever can write to the broker can repeat
a message, which the job's row makes harmless, but cannot name a tenant.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from db.caller import Caller, TenantId
from db.errors import WakeupForged
from db.outbox import JobId


@dataclass(frozen=True)
class Wakeup:
    """Which job of whom to look at."""

    tenant: TenantId
    job: JobId
    kind: str

    @property
    def caller(self) -> Caller:
        """The caller as whom the worker opens its units of work."""
        return Caller(self.tenant, None, frozenset({"worker"}), frozenset(), f"worker:{self.kind}")


def sign_wakeup(key: bytes, wakeup: Wakeup) -> str:
    """`tenant|job|kind|mac`."""
    body = f"{wakeup.tenant}|{wakeup.job}|{wakeup.kind}"
    return f"{body}|{_mac(key, body)}"


def read_wakeup(key: bytes, text: str) -> Wakeup:
    """The wake-up in `text`; refuses one that the key did not sign."""
    body, _, mac = text.rpartition("|")
    if not hmac.compare_digest(_mac(key, body).encode(), mac.encode()):
        raise WakeupForged("its signature does not hold")
    try:
        tenant, job, kind = body.split("|")
        return Wakeup(TenantId(UUID(tenant)), JobId(UUID(job)), kind)
    except ValueError as error:
        raise WakeupForged("it is malformed") from error


def _mac(key: bytes, body: str) -> str:
    # The label keeps a wake-up from being taken for anything else that this key might sign one day.
    return hmac.new(key, b"d2r wake-up|" + body.encode(), hashlib.sha256).hexdigest()
