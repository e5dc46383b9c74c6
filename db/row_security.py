"""Switch row security on for a tenant's table, always the same way.

In: a table's name and what the runtime role may do with it. Out: the statements, for a migration to execute: `for
statement in enable_tenancy("scan"): op.execute(statement)`. There is no way to ask for less: forced, read and write
checked, never TRUNCATE. The sub-select around `app.tenant_id()` makes Postgres ask once a query and not once a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Privilege = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]
EVERYTHING: tuple[Privilege, ...] = ("SELECT", "INSERT", "UPDATE", "DELETE")
IS_OWN = "tenant_id = (select app.tenant_id())"


def enable_tenancy(table: str, privileges: Sequence[Privilege] = EVERYTHING) -> list[str]:
    """Statements after which d2r_app sees and writes only its tenant's rows of `table`, and nobody else sees any."""
    return [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy own_tenant on {table} to d2r_app using ({IS_OWN}) with check ({IS_OWN})",
        f"grant {', '.join(privileges)} on {table} to d2r_app",
    ]
