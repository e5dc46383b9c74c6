"""Inspection: assets, CAD revisions, scans, alignments, deviation maps, inspections, decisions, measurements."""

from alembic import op

from db.row_security import Privilege, enable_tenancy
from db.sql import statements_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in statements_of("inspection"):
        op.execute(statement)
    tables: dict[str, tuple[Privilege, ...]] = {
        "asset": ("SELECT", "INSERT", "UPDATE"),
        "cad_revision": ("SELECT", "INSERT", "UPDATE"),
        "scan": ("SELECT", "INSERT", "UPDATE"),
        "alignment": ("SELECT", "INSERT"),
        "deviation_map": ("SELECT", "INSERT"),
        "deviation_band": ("SELECT", "INSERT"),
        "worst_point": ("SELECT", "INSERT"),
        "inspection": ("SELECT", "INSERT"),
        "qc_decision": ("SELECT", "INSERT"),
        "measurement": ("SELECT", "INSERT"),
    }
    for table, privileges in tables.items():
        for statement in enable_tenancy(table, privileges):
            op.execute(statement)
    # What was measured and decided stays; the newest decision's verdict is the one thing of an inspection that moves.
    op.execute("grant update (verdict) on inspection to d2r_app")


def downgrade() -> None:
    raise NotImplementedError("Expand, backfill, contract: a release is undone by the next one.")
