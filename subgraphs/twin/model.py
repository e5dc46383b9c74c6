"""The nouns of twin as frozen values. In: nothing. Out: what every layer above passes around."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from uuid import UUID

TwinId = NewType("TwinId", UUID)
VersionId = NewType("VersionId", UUID)
AssetId = NewType("AssetId", UUID)
ScanId = NewType("ScanId", UUID)
ContentHash = NewType("ContentHash", str)

MAIN = "main"


@dataclass(frozen=True, slots=True)
class NewestFirst:
    """A stretch of a list that is kept newest first: `limit` rows older than `before`, its time and id."""

    limit: int
    before: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, slots=True)
class Twin:
    id: TwinId
    asset_id: AssetId
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Element:
    """One content-addressed thing of a version: where it stands in the twin, what it is, and its SHA-256."""

    path: str
    kind: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which decision made a version, of which scan in which alignment."""

    scan_id: UUID
    alignment_id: UUID
    inspection_id: UUID
    decision_id: UUID


@dataclass(frozen=True, slots=True)
class Version:
    id: VersionId
    twin_id: TwinId
    parents: tuple[VersionId, ...]
    elements: tuple[Element, ...]
    content_hash: ContentHash
    message: str
    author_id: UUID | None
    provenance: Provenance | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Ref:
    twin_id: TwinId
    name: str
    head_id: VersionId
    moved_at: datetime
