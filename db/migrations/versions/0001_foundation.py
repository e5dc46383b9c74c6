"""Foundation: the capability, the outbox, jobs, the ledger."""

from alembic import op

from db.crossing import crossing_grants
from db.row_security import Privilege, enable_tenancy
from db.sql import statements_of

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The runtime role never writes what the relay, the sequencer and the verifier rely on.
ENTRY_COLUMNS = (
    "tenant_id, id, type, object_id, occurred_at, subject_id, "
    "technical, technical_commitment, personal, personal_commitment"
)


def upgrade() -> None:
    for statement in statements_of("foundation"):
        op.execute(statement)
    tables: dict[str, tuple[Privilege, ...]] = {
        "outbox": ("SELECT",),
        "outbox_cursor": ("SELECT",),
        "job": ("SELECT", "INSERT", "UPDATE"),
        "audit_entry": ("SELECT",),
        "audit_key": ("SELECT", "INSERT"),
        "audit_tile": ("SELECT",),
        "audit_checkpoint": ("SELECT",),
    }
    for table, privileges in tables.items():
        for statement in enable_tenancy(table, privileges):
            op.execute(statement)
    op.execute("grant insert (tenant_id, id, kind, topic, key, type, payload) on outbox to d2r_app")
    op.execute(f"grant insert ({ENTRY_COLUMNS}) on audit_entry to d2r_app")
    op.execute("grant update (wrapped, destroyed_at) on audit_key to d2r_app")
    for statement in crossing_grants(*tables):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("Expand, backfill, contract: a release is undone by the next one.")
