"""An operator decides what the rule could not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from db.unit_of_work import UnitOfWork
from subgraphs.inspection.errors import DecisionStands, OperatorRequired
from subgraphs.inspection.model import DecidedBy, Decision, DecisionId, Evidence, Inspection, InspectionId, Verdict
from subgraphs.inspection.policy import require_name, require_scope
from subgraphs.inspection.repository import results, uploads
from subgraphs.inspection.service.results import decide
from subgraphs.serving.errors import BadInput, NotFound
from subgraphs.serving.roles import Scope


async def decide_inspection(
    work: UnitOfWork, id: InspectionId, verdict: Verdict, reason: str, expected: DecisionId, now: datetime
) -> tuple[Inspection, Decision]:
    """Supersede an inconclusive decision, if `expected` is still the newest one. What the rule proved stands."""
    require_scope(work.caller, Scope.INSPECTIONS_DECIDE)
    require_name(reason, "reason", longest=2000)
    if work.caller.user is None:
        raise OperatorRequired
    if verdict is Verdict.INCONCLUSIVE:
        raise BadInput("An operator decides PASS or FAIL; inconclusive is what it is already.", ("input", "verdict"))
    inspection = (await results.inspections_by_id(work, [id])).get(id)
    if inspection is None:
        raise NotFound("inspection", ("input", "inspectionId"))
    newest = (await results.decisions_of_inspections(work, [id]))[id][0]
    if newest.id != expected:
        raise DecisionStands("The inspection was decided meanwhile; look at its newest decision.")
    if newest.verdict is not Verdict.INCONCLUSIVE:
        raise DecisionStands(f"The inspection is decided: {newest.verdict.value}. Scan again to judge anew.")
    return await _supersede(work, replace(inspection, verdict=verdict), newest.id, reason, now)


async def _supersede(
    work: UnitOfWork, inspection: Inspection, supersedes: DecisionId, reason: str, now: datetime
) -> tuple[Inspection, Decision]:
    maps = await results.deviation_maps_by_id(work, [inspection.deviation_map_id])
    evidence = Evidence(
        inspection,
        (await uploads.scans_by_id(work, [inspection.scan_id]))[inspection.scan_id],
        (await uploads.cad_revisions_by_id(work, [inspection.cad_revision_id]))[inspection.cad_revision_id],
        (await results.alignments_by_id(work, [inspection.alignment_id]))[inspection.alignment_id],
        maps[inspection.deviation_map_id],
    )
    decision = await decide(work, evidence, DecidedBy.OPERATOR, reason, supersedes, now)
    if decision is None:
        raise DecisionStands("The inspection was decided meanwhile; look at its newest decision.")
    await results.set_verdict(work, inspection.id, inspection.verdict)
    return inspection, decision
