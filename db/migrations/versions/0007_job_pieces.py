"""Jobs: the pieces that are finished."""

from alembic import op

from db.row_security import enable_tenancy
from db.sql import statements_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*statements_of("job_pieces"), *enable_tenancy("job_piece")):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Expand, backfill, contract: a release is undone by the next one.")
