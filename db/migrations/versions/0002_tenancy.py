"""Tenancy: workspaces, members, devices, API keys, failed sign-ins."""

from alembic import op

from db.crossing import crossing_grants
from db.row_security import Privilege, enable_tenancy
from db.sql import statements_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in statements_of("tenancy"):
        op.execute(statement)
    tables: dict[str, tuple[Privilege, ...]] = {
        "workspace": ("SELECT",),
        "member": ("SELECT", "INSERT", "UPDATE"),
        "device": ("SELECT", "INSERT", "UPDATE"),
        "api_key": ("SELECT", "INSERT", "UPDATE"),
        "sign_in_failure": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    }
    for table, privileges in tables.items():
        for statement in enable_tenancy(table, privileges):
            op.execute(statement)
    # A workspace is made by whoever administers the database, and by nobody who merely uses it.
    op.execute("create policy operator_makes on workspace for insert to d2r_owner with check (true)")
    for statement in crossing_grants(*tables):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Expand, backfill, contract: a release is undone by the next one.")
