"""Make a workspace and members who can sign in at once. For operators only: no field of the graph reaches it."""

import datetime

from db.caller import Caller, TenantId
from db.engine import Database
from db.outbox import new_id
from subgraphs.serving.roles import scopes_of
from subgraphs.tenancy import events, policy
from subgraphs.tenancy.errors import EmailTaken
from subgraphs.tenancy.model import Member, MemberId, MemberState, Workspace
from subgraphs.tenancy.passwords import Passwords
from subgraphs.tenancy.repository import Directory, Operator, Repository


async def create_workspace(
    operator: Operator, directory: Directory, database: Database, slug: str, name: str, now: datetime.datetime
) -> Workspace:
    """The workspace of this slug: made now, or found."""
    slug, name = policy.checked_slug(slug), policy.checked_name(name)
    if not await operator.add_workspace(Workspace(TenantId(new_id()), slug, name, now)):
        return await _found(directory, database, slug)
    workspace = await _found(directory, database, slug)
    async with database.begin(operator_caller(workspace.id)) as work:
        await work.ledger.append(events.WORKSPACE_CREATED, workspace.id, technical={"slug": slug, "name": name})
    return workspace


async def add_member(
    database: Database,
    passwords: Passwords,
    workspace: Workspace,
    email: str,
    name: str,
    roles: frozenset[str],
    password: str,
    now: datetime.datetime,
) -> Member:
    """An active member with a password, without an invitation."""
    email, name, roles = policy.checked_email(email), policy.checked_name(name), policy.checked_roles(roles)
    hashed = await passwords.hash(policy.checked_password(password, email))
    member = Member(MemberId(new_id()), email, name, roles, MemberState.ACTIVE, now)
    async with database.begin(operator_caller(workspace.id)) as work:
        if not await Repository(work).add_member(member, password_hash=hashed):
            raise EmailTaken
        await work.ledger.append(
            events.MEMBER_INVITED,
            member.id,
            technical={"roles": sorted(roles)},
            personal={"email": email, "name": name},
            subject=member.id,
        )
    return member


def operator_caller(tenant: TenantId) -> Caller:
    """Whoever administers the installation, acting inside one workspace."""
    roles = frozenset({"owner"})
    return Caller(tenant, None, roles, scopes_of(roles), "operator")


async def _found(directory: Directory, database: Database, slug: str) -> Workspace:
    tenant = await directory.tenant_of_slug(slug)
    assert tenant is not None
    async with database.begin(operator_caller(tenant)) as work:
        workspace = await Repository(work).workspace()
    assert workspace is not None
    return workspace
