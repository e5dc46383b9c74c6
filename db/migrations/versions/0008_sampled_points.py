"""Inspection: how many points were sampled of a scan that was measured by pieces."""

from alembic import op

from db.sql import statements_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in statements_of("sampled_points"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Expand, backfill, contract: a release is undone by the next one.")
