"""Inspection: faces of deviation maps, what can be looked at, and comparisons of scans."""

from alembic import op

from db.row_security import Privilege, enable_tenancy
from db.sql import statements_of

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in statements_of("deviation_products"):
        op.execute(statement)
    tables: dict[str, tuple[Privilege, ...]] = {
        "deviation_region": ("SELECT", "INSERT"),
        "deviation_product": ("SELECT", "INSERT"),
        "scan_comparison": ("SELECT", "INSERT", "UPDATE"),
    }
    for table, privileges in tables.items():
        for statement in enable_tenancy(table, privileges):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Expand, backfill, contract: a release is undone by the next one.")
