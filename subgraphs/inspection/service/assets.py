"""Name a thing that is to be inspected."""

from __future__ import annotations

from datetime import datetime

from db.outbox import new_id
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.errors import SerialNumberTaken
from subgraphs.inspection.model import Asset, AssetId, AssetKind, Place
from subgraphs.inspection.policy import require_name, require_place, require_scope
from subgraphs.inspection.repository import assets as repository
from subgraphs.serving.errors import Conflict
from subgraphs.serving.roles import Scope


async def create_asset(
    work: UnitOfWork,
    kind: AssetKind,
    name: str,
    serial_number: str,
    place: Place | None,
    idempotency_key: str,
    now: datetime,
) -> Asset:
    """A new asset; with the key of an earlier call, the asset that call made."""
    require_scope(work.caller, Scope.ASSETS_WRITE)
    require_name(name, "name")
    require_name(serial_number, "serialNumber")
    require_name(idempotency_key, "idempotencyKey")
    if place is not None:
        require_place(place)
    asset = Asset(AssetId(new_id()), kind, name, serial_number, place, now)
    if await repository.insert_asset(work, asset, idempotency_key):
        await work.ledger.append("AssetCreated", asset.id, {"kind": kind.value, "serialNumber": serial_number})
        return asset
    earlier = await repository.asset_by_idempotency_key(work, idempotency_key)
    if earlier is None:
        raise SerialNumberTaken(serial_number)
    if (earlier.kind, earlier.serial_number) != (kind, serial_number):
        raise Conflict("This idempotency key made another asset; use a new key.", ("input", "idempotencyKey"))
    return earlier
