"""Events of twin, by topic. The envelope (cursor, time) is the outbox's."""

from __future__ import annotations

from msgspec import Struct

TWIN_TOPIC = "twin"  # keyed by the twin
VERSION_COMMITTED = "TwinVersionCommitted"


class VersionCommitted(Struct, frozen=True):
    twin_id: str
    version_id: str
    asset_id: str
    ref: str
    content_hash: str
