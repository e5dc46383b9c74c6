"""Inspection: what holds a scan to its CAD."""

from alembic import op

from db.sql import statements_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in statements_of("alignments"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Expand, backfill, contract: a release is undone by the next one.")
