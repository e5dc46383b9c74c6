"""What can be changed: flat verbs with one input each. Refusals are answered as data, members of each verb's union."""

from __future__ import annotations

import datetime
from typing import Annotated, Self

import strawberry

from db.blobs import Blobs
from subgraphs.inspection import errors, model
from subgraphs.inspection.service import assets, comparisons, decisions, uploads
from subgraphs.inspection.types import values
from subgraphs.inspection.types.alignments import AlignmentInput
from subgraphs.inspection.types.comparisons import ScanComparison
from subgraphs.inspection.types.entities import Asset, CadRevision, Scan, asset_type
from subgraphs.inspection.types.jobs import Job, job_by_id
from subgraphs.inspection.types.results import Inspection, QcDecision
from subgraphs.serving.context import Info
from subgraphs.serving.errors import Refused
from subgraphs.serving.global_ids import key_of
from subgraphs.serving.problems import (
    ConflictProblem,
    InvalidInput,
    NotAllowed,
    NotFoundProblem,
    Problem,
    ShownAs,
)
from subgraphs.serving.scalars import BigInt, Matrix4, Sha256

DEFAULT_PART_BYTES = 8 * 1024 * 1024


@strawberry.type(description="Another asset of this kind has the serial number.")
class SerialNumberTaken(Problem): ...


@strawberry.type(description="The parts do not add up to the promised file.")
class PartsMismatch(Problem): ...


@strawberry.type(description="Not every part has arrived; put the rest and complete again.")
class PartsMissing(Problem):
    missing: list[int]

    @classmethod
    def of(cls, refused: Refused) -> Self:
        assert isinstance(refused, errors.PartsMissing)
        return cls(
            code=refused.code,
            message=refused.message,
            path=list(refused.path),
            retryable=refused.retryable,
            missing=list(refused.missing),
        )


@strawberry.type(description="The CAD revision cannot be measured against, yet or ever.")
class CadNotReady(Problem): ...


@strawberry.type(description="The scans are not of one thing, or not processed.")
class ScansNotComparable(Problem): ...


@strawberry.type(description="The inspection is decided, or was decided otherwise meanwhile.")
class DecisionStands(Problem): ...


@strawberry.type(description="A decision needs a person who answers for it.")
class OperatorRequired(Problem): ...


HANDLERS = [
    ShownAs(errors.SerialNumberTaken, SerialNumberTaken),
    ShownAs(errors.PartsMismatch, PartsMismatch),
    ShownAs(errors.PartsMissing, PartsMissing),
    ShownAs(errors.CadNotReady, CadNotReady),
    ShownAs(errors.ScansNotComparable, ScansNotComparable),
    ShownAs(errors.DecisionStands, DecisionStands),
    ShownAs(errors.OperatorRequired, OperatorRequired),
]


@strawberry.input
class CreateAssetInput:
    kind: model.AssetKind
    name: str
    serial_number: str
    idempotency_key: str
    place: values.PlaceInput | None = None


@strawberry.type
class AssetCreated:
    asset: Asset


@strawberry.input(description="What will come: the whole file and each of its parts, by size and SHA-256.")
class FileInput:
    file_name: str
    size_bytes: BigInt
    sha256: Sha256
    part_sha256s: list[Sha256]
    part_size_bytes: BigInt = strawberry.field(
        default=BigInt(DEFAULT_PART_BYTES), description="The size of every part but the last, 5 MiB to 512 MiB."
    )

    def value(self) -> uploads.FilePromise:
        return uploads.FilePromise(
            name=self.file_name,
            size_bytes=self.size_bytes,
            sha256=model.Sha256Hex(self.sha256),
            part_size_bytes=self.part_size_bytes,
            part_sha256s=tuple(map(model.Sha256Hex, self.part_sha256s)),
        )


@strawberry.type
class Header:
    name: str
    value: str


@strawberry.type(description="PUT the part's bytes to the address with exactly these headers.")
class PartAddress:
    number: int
    url: str
    headers: list[Header]
    size_bytes: BigInt
    sha256: Sha256
    arrived: bool = strawberry.field(description="The store has it already: no need to send it again.")


@strawberry.type
class UploadTicket:
    parts: list[PartAddress]
    expires_at: datetime.datetime

    @classmethod
    def of(cls, ticket: uploads.Ticket) -> UploadTicket:
        parts = [
            PartAddress(
                number=address.part.number,
                url=address.url,
                headers=[Header(name=name, value=value) for name, value in address.headers.items()],
                size_bytes=BigInt(address.part.size),
                sha256=Sha256(address.part.sha256.hex()),
                arrived=address.arrived,
            )
            for address in ticket.parts
        ]
        return cls(parts=parts, expires_at=ticket.expires_at)


@strawberry.input
class BeginCadUploadInput:
    name: str
    format: model.CadFormat
    file: FileInput
    idempotency_key: str
    unit: model.LengthUnit | None = strawberry.field(
        default=None, description="Left out: read from the file, and refused if the file does not say."
    )
    accept_flaws: bool = strawberry.field(
        default=False, description="Take a shape with open edges or self-intersections, with a warning."
    )


@strawberry.type
class CadUploadBegun:
    cad_revision: CadRevision
    upload: UploadTicket


@strawberry.input
class BeginScanUploadInput:
    asset_id: strawberry.ID
    cad_revision_id: strawberry.ID
    format: model.ScanFormat
    file: FileInput
    tolerance: values.ToleranceInput
    idempotency_key: str
    unit: model.LengthUnit | None = strawberry.field(
        default=None, description="Left out: read from the file, and refused if the file does not say."
    )
    pose_hint: Matrix4 | None = strawberry.field(
        default=None, description="About how the scan (mm) lies on the CAD (mm), row by row."
    )
    alignment: AlignmentInput | None = strawberry.field(
        default=None, description="What holds the part. Left out: the best fit of the whole scan."
    )
    device_id: strawberry.ID | None = None
    acquired_at: datetime.datetime | None = None


@strawberry.type
class ScanUploadBegun:
    scan: Scan
    upload: UploadTicket


@strawberry.input
class PutPartInput:
    number: int
    sha256: Sha256

    def value(self) -> uploads.PutPart:
        return uploads.PutPart(self.number, model.Sha256Hex(self.sha256))


@strawberry.input
class CompleteCadUploadInput:
    cad_revision_id: strawberry.ID
    parts: list[PutPartInput]


@strawberry.type(description="The file is in the store and its import is queued.")
class CadUploadCompleted:
    cad_revision: CadRevision

    @strawberry.field
    async def job(self, info: Info) -> Job | None:
        return await job_by_id(info, self.cad_revision.row.job_id)


@strawberry.input
class CompleteScanUploadInput:
    scan_id: strawberry.ID
    parts: list[PutPartInput]


@strawberry.type(description="The file is in the store and its processing is queued.")
class ScanUploadCompleted:
    scan: Scan

    @strawberry.field
    async def job(self, info: Info) -> Job | None:
        return await job_by_id(info, self.scan.row.job_id)


@strawberry.input
class DecideInspectionInput:
    inspection_id: strawberry.ID
    verdict: model.Verdict
    reason: str
    expected_decision_id: strawberry.ID = strawberry.field(description="The newest decision that the operator saw.")


@strawberry.type
class InspectionDecided:
    inspection: Inspection
    decision: QcDecision


@strawberry.input(description="Two processed scans of one asset against one CAD revision; lengths in millimetres.")
class CompareScansInput:
    first_scan_id: strawberry.ID
    second_scan_id: strawberry.ID
    idempotency_key: str
    radius_mm: float = strawberry.field(default=1.0, description="Of the cylinders in which both are averaged.")
    depth_mm: float = strawberry.field(
        default=2.0, description="How far a change may reach to be seen; less than a wall is thick."
    )
    registration_error_mm: float | None = strawberry.field(
        default=None, description="Left out: estimated from both alignments' residuals and effective points."
    )


@strawberry.type(description="The comparison is queued.")
class ScanComparisonBegun:
    comparison: ScanComparison


CompareScansResult = Annotated[
    ScanComparisonBegun | ScansNotComparable | NotFoundProblem | InvalidInput | ConflictProblem | NotAllowed,
    strawberry.union("CompareScansResult"),
]
CreateAssetResult = Annotated[
    AssetCreated | SerialNumberTaken | InvalidInput | ConflictProblem | NotAllowed,
    strawberry.union("CreateAssetResult"),
]
BeginCadUploadResult = Annotated[
    CadUploadBegun | PartsMismatch | InvalidInput | ConflictProblem | NotAllowed,
    strawberry.union("BeginCadUploadResult"),
]
CompleteCadUploadResult = Annotated[
    CadUploadCompleted | PartsMissing | PartsMismatch | NotFoundProblem | InvalidInput | ConflictProblem | NotAllowed,
    strawberry.union("CompleteCadUploadResult"),
]
BeginScanUploadResult = Annotated[
    ScanUploadBegun | CadNotReady | PartsMismatch | NotFoundProblem | InvalidInput | ConflictProblem | NotAllowed,
    strawberry.union("BeginScanUploadResult"),
]
CompleteScanUploadResult = Annotated[
    ScanUploadCompleted
    | PartsMissing
    | PartsMismatch
    | OperatorRequired
    | NotFoundProblem
    | InvalidInput
    | ConflictProblem
    | NotAllowed,
    strawberry.union("CompleteScanUploadResult"),
]
DecideInspectionResult = Annotated[
    InspectionDecided | DecisionStands | OperatorRequired | NotFoundProblem | InvalidInput | NotAllowed,
    strawberry.union("DecideInspectionResult"),
]


@strawberry.type
class Mutation:
    @strawberry.mutation(description="Name a thing that is to be inspected.")
    async def create_asset(self, info: Info, input: CreateAssetInput) -> CreateAssetResult:
        place = model.Place(input.place.longitude, input.place.latitude) if input.place else None
        async with info.context.changing() as work:
            asset = await assets.create_asset(
                work,
                input.kind,
                input.name,
                input.serial_number,
                place,
                input.idempotency_key,
                info.context.resources.now(),
            )
        return AssetCreated(asset=asset_type(asset))

    @strawberry.mutation(description="Announce a CAD file; answers where to put its parts.")
    async def begin_cad_upload(self, info: Info, input: BeginCadUploadInput) -> BeginCadUploadResult:
        upload = uploads.CadUpload(
            name=input.name,
            format=input.format,
            unit=input.unit,
            accept_flaws=input.accept_flaws,
            file=input.file.value(),
            idempotency_key=input.idempotency_key,
        )
        async with info.context.changing() as work:
            revision, ticket = await uploads.begin_cad_upload(
                work, info.context.resources.get(Blobs), upload, info.context.resources.now()
            )
        return CadUploadBegun(cad_revision=CadRevision.of(revision), upload=UploadTicket.of(ticket))

    @strawberry.mutation(description="All parts are put: check them and queue the import.")
    async def complete_cad_upload(self, info: Info, input: CompleteCadUploadInput) -> CompleteCadUploadResult:
        id = model.CadRevisionId(key_of(input.cad_revision_id, "CadRevision"))
        parts = tuple(part.value() for part in input.parts)
        async with info.context.changing() as work:
            revision = await uploads.complete_cad_upload(work, info.context.resources.get(Blobs), id, parts)
        return CadUploadCompleted(cad_revision=CadRevision.of(revision))

    @strawberry.mutation(description="Announce a scan of an asset; answers where to put its parts.")
    async def begin_scan_upload(self, info: Info, input: BeginScanUploadInput) -> BeginScanUploadResult:
        upload = uploads.ScanUpload(
            asset_id=model.AssetId(key_of(input.asset_id, "Asset")),
            cad_revision_id=model.CadRevisionId(key_of(input.cad_revision_id, "CadRevision")),
            format=input.format,
            unit=input.unit,
            rule=input.tolerance.value(),
            pose_hint=tuple(input.pose_hint) if input.pose_hint else None,
            alignment=input.alignment.value() if input.alignment else None,
            device_id=key_of(input.device_id, "Device") if input.device_id else None,
            acquired_at=input.acquired_at,
            file=input.file.value(),
            idempotency_key=input.idempotency_key,
        )
        async with info.context.changing() as work:
            scan, ticket = await uploads.begin_scan_upload(
                work, info.context.resources.get(Blobs), upload, info.context.resources.now()
            )
        return ScanUploadBegun(scan=Scan.of(scan), upload=UploadTicket.of(ticket))

    @strawberry.mutation(
        description="All parts are put: check them and queue the processing. The caller is the operator."
    )
    async def complete_scan_upload(self, info: Info, input: CompleteScanUploadInput) -> CompleteScanUploadResult:
        id = model.ScanId(key_of(input.scan_id, "Scan"))
        parts = tuple(part.value() for part in input.parts)
        async with info.context.changing() as work:
            scan = await uploads.complete_scan_upload(
                work, info.context.resources.get(Blobs), id, parts, info.context.resources.now()
            )
        return ScanUploadCompleted(scan=Scan.of(scan))

    @strawberry.mutation(description="Decide an inspection that the rule left inconclusive.")
    async def decide_inspection(self, info: Info, input: DecideInspectionInput) -> DecideInspectionResult:
        id = model.InspectionId(key_of(input.inspection_id, "Inspection"))
        expected = model.DecisionId(key_of(input.expected_decision_id, "QcDecision"))
        async with info.context.changing() as work:
            inspection, decision = await decisions.decide_inspection(
                work, id, input.verdict, input.reason, expected, info.context.resources.now()
            )
        return InspectionDecided(inspection=Inspection.of(inspection), decision=QcDecision(row=decision))

    @strawberry.mutation(description="Find what changed from one scan to another (M3C2 with its level of detection).")
    async def compare_scans(self, info: Info, input: CompareScansInput) -> CompareScansResult:
        asked = comparisons.Asked(
            first=model.ScanId(key_of(input.first_scan_id, "Scan")),
            second=model.ScanId(key_of(input.second_scan_id, "Scan")),
            radius_mm=input.radius_mm,
            depth_mm=input.depth_mm,
            registration_error_mm=input.registration_error_mm,
            idempotency_key=input.idempotency_key,
        )
        async with info.context.changing() as work:
            comparison = await comparisons.compare_scans(work, asked, info.context.resources.now())
        return ScanComparisonBegun(comparison=ScanComparison(row=comparison))
