"""Who a report is for and who made it, in words. In: a unit of work, the operator's id. Out: two lines of text."""

from __future__ import annotations

from uuid import UUID

from db.unit_of_work import UnitOfWork
from subgraphs.tenancy.model import MemberId
from subgraphs.tenancy.repository import Repository


async def names_on_reports(work: UnitOfWork, operator: UUID | None) -> tuple[str, str]:
    """The workspace's name and the operator's; an id where somebody is no member any more."""
    tenancy = Repository(work)
    workspace = await tenancy.workspace()
    title = f"{workspace.name} ({workspace.slug})" if workspace else f"Workspace {work.caller.tenant}"
    if operator is None:
        return title, "a device"
    member = (await tenancy.members_by_id([MemberId(operator)])).get(MemberId(operator))
    return title, f"{member.name} <{member.email}>" if member else f"operator {operator}"
