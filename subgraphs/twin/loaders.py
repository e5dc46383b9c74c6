"""Batched reads of twin, each named by its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from db.unit_of_work import UnitOfWork
from subgraphs.serving.loading import Loader
from subgraphs.twin import repository
from subgraphs.twin.model import AssetId, Ref, ScanId, Twin, TwinId, Version, VersionId


class TwinByAssetIdLoader(Loader[AssetId, Twin]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[AssetId]) -> Mapping[AssetId, Twin]:
        return await repository.twins_by_asset(work, keys)


class TwinByIdLoader(Loader[TwinId, Twin]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[TwinId]) -> Mapping[TwinId, Twin]:
        return await repository.twins_by_id(work, keys)


class VersionByIdLoader(Loader[VersionId, Version]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[VersionId]) -> Mapping[VersionId, Version]:
        return await repository.versions_by_id(work, keys)


class VersionByScanIdLoader(Loader[ScanId, Version]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[ScanId]) -> Mapping[ScanId, Version]:
        return await repository.newest_versions_by_scan(work, keys)


class RefsByTwinIdLoader(Loader[TwinId, list[Ref]]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[TwinId]) -> Mapping[TwinId, list[Ref]]:
        return await repository.refs_of_twins(work, keys)
