"""Uploads of CAD files and scans: begin, put the parts straight into the object store, complete.

`begin` promises what will come (size, whole SHA-256, a SHA-256 for each part) and answers where to put it; asked again
with the same key it answers the same upload with fresh addresses, which is how an upload resumes. `complete` checks the
parts and queues the job in the commit that accepts the file. The whole hash is checked by that job, before anything is
acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from db.blobs import Blobs, Part, UploadId
from db.errors import BlobMissing, PartsDiffer
from db.outbox import new_id
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.alignment import AlignmentRequest, Transform
from subgraphs.inspection.errors import CadNotReady, IllegalMove, OperatorRequired, PartsMismatch, PartsMissing
from subgraphs.inspection.jobs import IMPORT_CAD, PROCESS_SCAN, ImportCad, ProcessScan
from subgraphs.inspection.model import (
    AssetId,
    CadFormat,
    CadRevision,
    CadRevisionId,
    LengthUnit,
    Scan,
    ScanFormat,
    ScanId,
    Sha256Hex,
    StoredFile,
    ToleranceRule,
    UploadState,
)
from subgraphs.inspection.policy import (
    require_alignment,
    require_name,
    require_parts_plan,
    require_rigid,
    require_scope,
    require_tolerance,
)
from subgraphs.inspection.repository import assets, uploads
from subgraphs.serving.errors import Conflict, NotFound
from subgraphs.serving.roles import Scope

ADDRESS_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True)
class FilePromise:
    """What the uploader says will come."""

    name: str
    size_bytes: int
    sha256: Sha256Hex
    part_size_bytes: int
    part_sha256s: tuple[Sha256Hex, ...]


@dataclass(frozen=True)
class CadUpload:
    name: str
    format: CadFormat
    unit: LengthUnit | None
    accept_flaws: bool
    file: FilePromise
    idempotency_key: str


@dataclass(frozen=True)
class ScanUpload:
    asset_id: AssetId
    cad_revision_id: CadRevisionId
    format: ScanFormat
    unit: LengthUnit | None
    rule: ToleranceRule
    pose_hint: Transform | None
    alignment: AlignmentRequest | None
    device_id: UUID | None
    acquired_at: datetime | None
    file: FilePromise
    idempotency_key: str


@dataclass(frozen=True)
class PartAddress:
    """Where one part goes, and the headers that must be sent with it. `arrived`: it need not be sent again."""

    part: Part
    url: str
    headers: dict[str, str]
    arrived: bool


@dataclass(frozen=True)
class Ticket:
    """The addresses of every part, until they expire."""

    parts: tuple[PartAddress, ...]
    expires_at: datetime


@dataclass(frozen=True)
class PutPart:
    """A part that the uploader has put: its number and the SHA-256 of what was sent."""

    number: int
    sha256: Sha256Hex


async def begin_cad_upload(
    work: UnitOfWork, blobs: Blobs, upload: CadUpload, now: datetime
) -> tuple[CadRevision, Ticket]:
    require_scope(work.caller, Scope.SCANS_UPLOAD)
    require_name(upload.name, "name")
    _check_promise(upload.file, upload.idempotency_key)
    revision = await uploads.cad_revision_by_idempotency_key(work, upload.idempotency_key)
    if revision is None:
        id = CadRevisionId(new_id())
        revision = CadRevision(
            id=id,
            name=upload.name,
            format=upload.format,
            unit=upload.unit,
            accept_flaws=upload.accept_flaws,
            file=await _open(work, blobs, f"cad/{id}/original", upload.file),
            state=UploadState.AWAITING_PARTS,
            fault=None,
            mesh_key=None,
            facts=None,
            warnings=(),
            job_id=None,
            created_at=now,
        )
        if not await uploads.insert_cad_revision(work, revision, upload.idempotency_key):
            raise Conflict("Another call with this idempotency key is under way; try again.", ("input",))
        await work.ledger.append("CadRevisionAnnounced", id, {"name": upload.name, "sha256": upload.file.sha256})
    _require_same_file(revision.file, upload.file)
    return revision, await _ticket(work, blobs, revision.file, now)


async def begin_scan_upload(work: UnitOfWork, blobs: Blobs, upload: ScanUpload, now: datetime) -> tuple[Scan, Ticket]:
    require_scope(work.caller, Scope.SCANS_UPLOAD)
    require_tolerance(upload.rule)
    if upload.pose_hint is not None:
        require_rigid(upload.pose_hint, "poseHint")
    if upload.alignment is not None:
        require_alignment(upload.alignment)
    _check_promise(upload.file, upload.idempotency_key)
    scan = await uploads.scan_by_idempotency_key(work, upload.idempotency_key)
    if scan is None:
        await _require_asset_and_cad(work, upload.asset_id, upload.cad_revision_id)
        if upload.device_id is not None and not await uploads.is_device(work, upload.device_id):
            raise NotFound("Device", ("input", "deviceId"))
        scan = await _new_scan(work, blobs, upload, now)
        if not await uploads.insert_scan(work, scan, upload.idempotency_key):
            raise Conflict("Another call with this idempotency key is under way; try again.", ("input",))
        await work.ledger.append("ScanAnnounced", scan.id, {"asset": str(scan.asset_id), "sha256": upload.file.sha256})
    _require_same_file(scan.file, upload.file)
    return scan, await _ticket(work, blobs, scan.file, now)


async def _new_scan(work: UnitOfWork, blobs: Blobs, upload: ScanUpload, now: datetime) -> Scan:
    id = ScanId(new_id())
    return Scan(
        id=id,
        asset_id=upload.asset_id,
        cad_revision_id=upload.cad_revision_id,
        format=upload.format,
        unit=upload.unit,
        file=await _open(work, blobs, f"scans/{id}/original", upload.file),
        rule=upload.rule,
        pose_hint=upload.pose_hint,
        alignment=upload.alignment,
        device_id=upload.device_id,
        operator_id=None,
        state=UploadState.AWAITING_PARTS,
        fault=None,
        points=None,
        job_id=None,
        acquired_at=upload.acquired_at,
        created_at=now,
        completed_at=None,
    )


async def complete_cad_upload(
    work: UnitOfWork, blobs: Blobs, id: CadRevisionId, parts: tuple[PutPart, ...]
) -> CadRevision:
    """Accept the file and queue its import; asked again, answer what became of it."""
    require_scope(work.caller, Scope.SCANS_UPLOAD)
    revision = (await uploads.cad_revisions_by_id(work, [id])).get(id)
    if revision is None:
        raise NotFound("CAD revision", ("input", "cadRevisionId"))
    if revision.state is not UploadState.AWAITING_PARTS:
        return revision
    await _close(work, blobs, revision.file, parts)
    job = await work.outbox.job(IMPORT_CAD, id, ImportCad(str(id)))
    if not await uploads.start_cad(work, id, job):
        raise IllegalMove("CAD revision", "being completed by another call", UploadState.PROCESSING.value)
    await work.ledger.append("CadRevisionReceived", id, {"sha256": revision.file.sha256})
    return replace(revision, state=UploadState.PROCESSING, job_id=job)


async def complete_scan_upload(
    work: UnitOfWork, blobs: Blobs, id: ScanId, parts: tuple[PutPart, ...], now: datetime
) -> Scan:
    """Accept the file and queue its processing; the caller becomes the operator who answers for the result."""
    require_scope(work.caller, Scope.SCANS_UPLOAD)
    operator = work.caller.user
    if operator is None:
        raise OperatorRequired
    scan = (await uploads.scans_by_id(work, [id])).get(id)
    if scan is None:
        raise NotFound("scan", ("input", "scanId"))
    if scan.state is not UploadState.AWAITING_PARTS:
        return scan
    await _close(work, blobs, scan.file, parts)
    job = await work.outbox.job(PROCESS_SCAN, id, ProcessScan(str(id)))
    if not await uploads.start_scan(work, id, job, operator, now):
        raise IllegalMove("scan", "being completed by another call", UploadState.PROCESSING.value)
    await work.ledger.append(
        "ScanReceived", id, {"sha256": scan.file.sha256}, {"operator": str(operator), "name": work.caller.name}
    )
    return replace(scan, state=UploadState.PROCESSING, job_id=job, operator_id=operator, completed_at=now)


def _check_promise(file: FilePromise, idempotency_key: str) -> None:
    require_name(file.name, "fileName")
    require_name(idempotency_key, "idempotencyKey")
    require_parts_plan(file.size_bytes, file.part_size_bytes, file.part_sha256s)


def _require_same_file(file: StoredFile, promise: FilePromise) -> None:
    if (file.sha256, file.size_bytes, file.part_sha256s) != (promise.sha256, promise.size_bytes, promise.part_sha256s):
        raise Conflict("This idempotency key began the upload of another file.", ("input", "idempotencyKey"))


async def _require_asset_and_cad(work: UnitOfWork, asset_id: AssetId, cad_id: CadRevisionId) -> None:
    if asset_id not in await assets.assets_by_id(work, [asset_id]):
        raise NotFound("asset", ("input", "assetId"))
    cad = (await uploads.cad_revisions_by_id(work, [cad_id])).get(cad_id)
    if cad is None:
        raise NotFound("CAD revision", ("input", "cadRevisionId"))
    match cad.state:
        case UploadState.QUARANTINED:
            raise CadNotReady("This CAD revision was refused; upload a corrected one.", retryable=False)
        case UploadState.AWAITING_PARTS:
            raise CadNotReady("This CAD revision has no file yet; complete its upload first.", retryable=True)
        case _:
            return  # still being imported is fine: the scan's job waits for it


async def _open(work: UnitOfWork, blobs: Blobs, key: str, promise: FilePromise) -> StoredFile:
    return StoredFile(
        name=promise.name,
        size_bytes=promise.size_bytes,
        sha256=promise.sha256,
        object_key=key,
        upload_id=await blobs.begin_multipart(work.caller, key),
        part_size_bytes=promise.part_size_bytes,
        part_sha256s=promise.part_sha256s,
    )


def _parts_of(file: StoredFile) -> list[Part]:
    sizes = [
        min(file.part_size_bytes, file.size_bytes - start) for start in range(0, file.size_bytes, file.part_size_bytes)
    ]
    pairs = zip(sizes, file.part_sha256s, strict=True)
    return [Part(number, size, bytes.fromhex(sha256)) for number, (size, sha256) in enumerate(pairs, start=1)]


async def _ticket(work: UnitOfWork, blobs: Blobs, file: StoredFile, now: datetime) -> Ticket:
    upload = UploadId(file.upload_id)
    try:
        stored = await blobs.stored_parts(work.caller, file.object_key, upload)
    except BlobMissing:  # the upload is complete: every part has arrived
        stored = {part.number: part.size for part in _parts_of(file)}
    lifetime_s = int(ADDRESS_LIFETIME.total_seconds())
    addresses = []
    for part in _parts_of(file):
        put = await blobs.presign_put_part(work.caller, file.object_key, upload, part, lifetime_s)
        addresses.append(PartAddress(part, put.url, put.headers, stored.get(part.number) == part.size))
    return Ticket(tuple(addresses), now + ADDRESS_LIFETIME)


async def _close(work: UnitOfWork, blobs: Blobs, file: StoredFile, named: tuple[PutPart, ...]) -> None:
    """Join the parts in the store after checking that they are all there and what was promised."""
    promised = _parts_of(file)
    put = {part.number: part.sha256 for part in named}
    missing = tuple(part.number for part in promised if part.number not in put)
    if missing:
        raise PartsMissing(len(promised), missing)
    if len(named) != len(promised):
        raise PartsMismatch(f"The file has {len(promised)} parts, but {len(named)} were named.", ("input", "parts"))
    for part in promised:
        if put[part.number] != part.sha256.hex():
            raise PartsMismatch(
                f"Part {part.number} was promised with another checksum. Begin the upload anew.", ("input", "parts")
            )
    try:
        await blobs.complete_multipart(work.caller, file.object_key, UploadId(file.upload_id), promised)
    except PartsDiffer as differ:
        raise PartsMissing(len(promised), differ.parts) from differ
    except BlobMissing:
        # An earlier call joined the parts and died before its commit; the object tells.
        await _require_whole(work, blobs, file)


async def _require_whole(work: UnitOfWork, blobs: Blobs, file: StoredFile) -> None:
    try:
        size = (await blobs.head(work.caller, file.object_key)).size
    except BlobMissing as gone:
        raise PartsMismatch(
            "This upload is gone from the object store. Begin it anew with another idempotency key.",
            ("input", "parts"),
        ) from gone
    if size != file.size_bytes:
        raise PartsMismatch(f"{size} bytes arrived, {file.size_bytes} were promised.", ("input", "parts"))
