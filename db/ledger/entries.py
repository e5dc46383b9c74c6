"""The form of an entry: canonical payloads, where a ciphertext belongs, and the leaf that enters the tree.

In: values. Out: bytes, the same for the same values everywhere (RFC 8785). No I/O: an offline verifier can use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast
from uuid import UUID

import msgspec
import rfc8785

LEAF_VERSION = 1
Part = Literal["technical", "personal"]


@dataclass(frozen=True)
class Leaf:
    """What the tree holds of an entry: everything but the payloads, which it holds as commitments."""

    tenant: UUID
    entry: UUID
    type: str
    object_id: UUID
    occurred_at: datetime
    technical: bytes
    personal: bytes | None

    def at(self, seq: int) -> bytes:
        """The leaf's bytes at one index: the index is inside, so that two entries cannot trade places."""
        return rfc8785.dumps(
            {
                "v": LEAF_VERSION,
                "tenant": str(self.tenant),
                "entry": str(self.entry),
                "type": self.type,
                "object": str(self.object_id),
                "at": self.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
                "seq": seq,
                "technical": self.technical.hex(),
                "personal": None if self.personal is None else self.personal.hex(),
            }
        )


def canonical(payload: Mapping[str, object]) -> bytes:
    """The payload's canonical JSON; ids, times and decimals become strings."""
    return rfc8785.dumps(cast(dict[str, object], msgspec.to_builtins(dict(payload))))  # type: ignore[arg-type]


def place_of(tenant: UUID, entry: UUID, part: Part) -> bytes:
    """Where a ciphertext belongs."""
    return tenant.bytes + entry.bytes + part.encode()
