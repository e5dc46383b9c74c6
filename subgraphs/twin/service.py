"""The rules of twin as verbs: commit a version on top of the head that the committer saw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from db.outbox import new_id
from db.unit_of_work import UnitOfWork
from subgraphs.serving.errors import BadInput, Conflict, NotFound
from subgraphs.serving.roles import Scope
from subgraphs.twin import repository
from subgraphs.twin.errors import HeadMoved
from subgraphs.twin.events import TWIN_TOPIC, VERSION_COMMITTED, VersionCommitted
from subgraphs.twin.jobs import RecordInspection
from subgraphs.twin.model import MAIN, AssetId, Element, Provenance, Twin, TwinId, Version, VersionId
from subgraphs.twin.policy import (
    canonical_content,
    elements_after,
    require_elements,
    require_ref_name,
    require_scope,
    require_text,
)


async def commit_version(
    work: UnitOfWork,
    twin_id: TwinId,
    ref: str,
    expected_head: VersionId | None,
    merged: Sequence[VersionId],
    elements: Sequence[Element],
    message: str,
    idempotency_key: str,
    now: datetime,
) -> Version:
    """A new version on `expected_head`, to which `ref` moves; with the key of an earlier call, that call's version.

    `merged` are further parents: what was taken in from other branches.
    """
    require_scope(work.caller, Scope.TWINS_COMMIT)
    require_ref_name(ref)
    require_text(message, "message", 2000)
    require_text(idempotency_key, "idempotencyKey", 200)
    require_elements(elements)
    twin = (await repository.twins_by_id(work, [twin_id])).get(twin_id)
    if twin is None:
        raise NotFound("twin", ("input", "twinId"))
    earlier = await repository.version_by_idempotency_key(work, twin_id, idempotency_key)
    content_hash = canonical_content(elements)[1]
    if earlier is not None:
        if earlier.content_hash != content_hash:
            raise Conflict("This idempotency key committed another version.", ("input", "idempotencyKey"))
        return earlier
    parents = (*([expected_head] if expected_head else []), *merged)
    await _require_parents(work, twin_id, parents)
    author = work.caller.user
    return await _commit(work, twin, ref, expected_head, parents, elements, message, author, None, idempotency_key, now)


async def record_inspection(work: UnitOfWork, inspected: RecordInspection, now: datetime) -> Version | None:
    """The version that a decision makes on `main`; None when it has been made already.

    Raises `HeadMoved` when another decision on the same asset commits at the same moment: try again.
    """
    twin = await repository.twin_of_asset(work, AssetId(inspected.asset_id), now)
    key = f"decision:{inspected.decision_id}"
    if await repository.version_by_idempotency_key(work, twin.id, key) is not None:
        return None
    head = await repository.head_of(work, twin.id, MAIN)
    elements = elements_after(inspected)
    if head is not None:
        elements = _carried_over((await repository.versions_by_id(work, [head]))[head].elements, elements)
    made = Provenance(inspected.scan_id, inspected.alignment_id, inspected.inspection_id, inspected.decision_id)
    message = f"Inspection decided: {inspected.verdict}"
    parents = (head,) if head else ()
    return await _commit(work, twin, MAIN, head, parents, elements, message, inspected.operator_id, made, key, now)


def _carried_over(old: Sequence[Element], new: Sequence[Element]) -> list[Element]:
    """What stood in the twin stays, unless the inspection says it anew."""
    said = {element.path for element in new}
    return [*(element for element in old if element.path not in said), *new]


async def _require_parents(work: UnitOfWork, twin_id: TwinId, parents: Sequence[VersionId]) -> None:
    if len(set(parents)) != len(parents):
        raise BadInput("A parent is named twice.", ("input", "mergedParents"))
    found = await repository.versions_by_id(work, parents) if parents else {}
    if any(parent not in found or found[parent].twin_id != twin_id for parent in parents):
        raise NotFound("version of this twin", ("input", "expectedHead"))


async def _commit(
    work: UnitOfWork,
    twin: Twin,
    ref: str,
    expected_head: VersionId | None,
    parents: tuple[VersionId, ...],
    elements: Sequence[Element],
    message: str,
    author: UUID | None,
    provenance: Provenance | None,
    idempotency_key: str,
    now: datetime,
) -> Version:
    content, content_hash = canonical_content(elements)
    id = VersionId(new_id())
    ordered = tuple(sorted(elements, key=lambda element: element.path))
    version = Version(id, twin.id, parents, ordered, content_hash, message, author, provenance, now)
    if not await repository.insert_version(work, version, content, idempotency_key):
        raise HeadMoved(ref, await repository.head_of(work, twin.id, ref))
    if not await repository.move_ref(work, twin.id, ref, expected_head, id, now):
        raise HeadMoved(ref, await repository.head_of(work, twin.id, ref))
    await work.ledger.append(
        "TwinVersionCommitted",
        twin.asset_id,
        {"twin": str(twin.id), "version": str(id), "contentHash": content_hash, "ref": ref},
        {"author": str(author)} if author else None,
        subject=author,
    )
    committed = VersionCommitted(str(twin.id), str(id), str(twin.asset_id), ref, content_hash)
    await work.outbox.event(TWIN_TOPIC, twin.id, VERSION_COMMITTED, committed)
    return version
