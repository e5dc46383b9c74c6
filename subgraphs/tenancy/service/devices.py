"""Devices: register and retire. Needs `devices:manage`. A retired device's keys open nothing any more."""

import datetime

from db.outbox import new_id
from db.unit_of_work import UnitOfWork
from subgraphs.serving.errors import NotFound
from subgraphs.tenancy import events, policy
from subgraphs.tenancy.errors import KeyUsedOtherwise, SerialNumberTaken
from subgraphs.tenancy.model import Device, DeviceId, DeviceKind
from subgraphs.tenancy.repository import Repository


async def register(
    work: UnitOfWork, name: str, kind: DeviceKind, serial_number: str, idempotency_key: str, now: datetime.datetime
) -> Device:
    name, serial_number = policy.checked_name(name), policy.checked_name(serial_number, "serialNumber")
    idempotency_key = policy.checked_idempotency_key(idempotency_key)
    repository = Repository(work)
    device = Device(DeviceId(new_id()), name, kind, serial_number, None, now)
    if not await repository.add_device(device, work.caller.user, idempotency_key):
        earlier = await repository.device_by_idempotency_key(idempotency_key)
        if earlier is None:
            raise SerialNumberTaken
        if (earlier.name, earlier.kind, earlier.serial_number) != (name, kind, serial_number):
            raise KeyUsedOtherwise
        return earlier
    await work.ledger.append(
        events.DEVICE_REGISTERED, device.id, technical={"kind": str(kind), "serialNumber": serial_number}
    )
    return device


async def retire(work: UnitOfWork, device_id: DeviceId, now: datetime.datetime) -> Device:
    """Retiring it again changes nothing and is no fault."""
    repository = Repository(work)
    device = await _device(repository, device_id)
    if device.retired_at is None:
        await repository.retire_device(device_id, now)
        await work.ledger.append(events.DEVICE_RETIRED, device_id, technical={"serialNumber": device.serial_number})
    return await _device(repository, device_id)


async def _device(repository: Repository, device_id: DeviceId) -> Device:
    device = (await repository.devices_by_id([device_id])).get(device_id)
    if device is None:
        raise NotFound("Device", ("input", "deviceId"))
    return device
