"""Twin: twins, versions with their parents, refs."""

from alembic import op

from db.row_security import Privilege, enable_tenancy
from db.sql import statements_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in statements_of("twin"):
        op.execute(statement)
    tables: dict[str, tuple[Privilege, ...]] = {
        "twin": ("SELECT", "INSERT"),
        "twin_version": ("SELECT", "INSERT"),
        "twin_version_parent": ("SELECT", "INSERT"),
        "twin_ref": ("SELECT", "INSERT", "UPDATE"),
    }
    for table, privileges in tables.items():
        for statement in enable_tenancy(table, privileges):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Expand, backfill, contract: a release is undone by the next one.")
