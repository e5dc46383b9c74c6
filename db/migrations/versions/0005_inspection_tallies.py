"""Inspection: sums by day, kept by triggers."""

from alembic import op

from db.row_security import enable_tenancy
from db.sql import statements_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in statements_of("inspection_tallies"):
        op.execute(statement)
    for table in ("inspection_tally", "measurement_tally"):
        for statement in enable_tenancy(table, ("SELECT", "INSERT", "UPDATE")):
            op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Expand, backfill, contract: a release is undone by the next one.")
