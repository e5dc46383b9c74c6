"""Batched reads of tenancy: each names its key."""

from collections.abc import Mapping, Sequence

from db.unit_of_work import UnitOfWork
from subgraphs.serving.loading import Loader
from subgraphs.tenancy.model import ApiKey, ApiKeyId, Device, DeviceId, Member, MemberId
from subgraphs.tenancy.repository import Repository


class MembersByIdLoader(Loader[MemberId, Member]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[MemberId]) -> Mapping[MemberId, Member]:
        return await Repository(work).members_by_id(keys)


class DevicesByIdLoader(Loader[DeviceId, Device]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[DeviceId]) -> Mapping[DeviceId, Device]:
        return await Repository(work).devices_by_id(keys)


class ApiKeysByIdLoader(Loader[ApiKeyId, ApiKey]):
    async def fetch(self, work: UnitOfWork, keys: Sequence[ApiKeyId]) -> Mapping[ApiKeyId, ApiKey]:
        return await Repository(work).api_keys_by_id(keys)
