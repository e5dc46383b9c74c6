"""Who may see rows of more than one tenant: the closed table.

Every role but the owner and the runtime role stands here with the columns it may touch. `tests/db/test_crossing.py`
compares it with the grants that Postgres has; a grant that is not here fails the build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OWNER, APP = "d2r_owner", "d2r_app"


@dataclass(frozen=True)
class Crossing:
    """One role, and per table the columns it may read, write, or insert. `why` is for the reviewer."""

    role: str
    why: str
    select: Mapping[str, frozenset[str]] = field(default_factory=dict)
    update: Mapping[str, frozenset[str]] = field(default_factory=dict)
    insert: Mapping[str, frozenset[str]] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()


def _columns(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENTRY_COLUMNS = _columns(
    "tenant_id id type object_id occurred_at technical_commitment personal_commitment seq leaf_hash"
)

CROSSINGS: tuple[Crossing, ...] = (
    Crossing(
        role="d2r_relay",
        why="publishes every tenant's outbox and gives events their cursor",
        select={
            "outbox": _columns("tenant_id id kind topic key type payload created_at cursor published_at"),
            "outbox_cursor": _columns("tenant_id topic last"),
        },
        update={"outbox": _columns("cursor published_at"), "outbox_cursor": _columns("last")},
        insert={"outbox_cursor": _columns("tenant_id topic last")},
    ),
    Crossing(
        role="d2r_sequencer",
        why="gives ledger entries their index; sees commitments, never payloads",
        select={
            "audit_entry": _ENTRY_COLUMNS,
            "audit_tile": _columns("tenant_id level index hashes"),
            "audit_checkpoint": _columns("tenant_id size root note created_at"),
        },
        update={"audit_entry": _columns("seq leaf_hash"), "audit_tile": _columns("hashes")},
        insert={
            "audit_tile": _columns("tenant_id level index hashes"),
            "audit_checkpoint": _columns("tenant_id size root note"),
        },
    ),
    Crossing(
        role="d2r_sweeper",
        why="finds jobs whose worker died, and wakes them again",
        select={"job": _columns("tenant_id id kind state lease_until woken_at")},
        update={"job": _columns("woken_at")},
    ),
    Crossing(
        role="d2r_keylookup",
        why="finds the tenant of an API key or a sign-in, before a caller is known",
        select={"workspace": _columns("tenant_id slug"), "api_key": _columns("tenant_id prefix")},
    ),
)


def crossing_grants(*tables: str) -> list[str]:
    """The statements that make every crossing true on `tables`: for the migration that creates them."""
    return [statement for crossing in CROSSINGS for statement in _grants_of(crossing, frozenset(tables))]


def _grants_of(crossing: Crossing, tables: frozenset[str]) -> list[str]:
    statements = []
    touched: set[str] = set()
    for privilege, columns_of in (
        ("select", crossing.select),
        ("update", crossing.update),
        ("insert", crossing.insert),
    ):
        for table in sorted(tables & columns_of.keys()):
            columns = ", ".join(sorted(columns_of[table]))
            statements.append(f"grant {privilege} ({columns}) on {table} to {crossing.role}")
            touched.add(table)
    statements.extend(
        f"create policy {crossing.role} on {table} to {crossing.role} using (true) with check (true)"
        for table in sorted(touched)
    )
    return statements
