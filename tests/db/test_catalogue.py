"""What the database itself says about every table: no table is forgotten, no grant is wider than the closed table."""

from __future__ import annotations

from collections import defaultdict

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.crossing import APP, CROSSINGS, OWNER
from db.migrate import RUNTIME_ROLES, migrate
from db.tables import every_table
from tests.db.conftest import Installation

# Tables that belong to no tenant: PostGIS's own, Alembic's, and the capability key.
OURS = (
    "c.relnamespace in ('public'::regnamespace, 'app'::regnamespace) "
    "and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')"
)
WITHOUT_TENANT = {"alembic_version", "capability_key"}
# Unique over all tenants, as they are looked up before a tenant is known. A slug is public by nature and the runtime
# role cannot insert a workspace; an API key's prefix is random, so that hitting one tells nothing.
KNOWN_BEFORE_THE_TENANT = {("workspace", "slug"), ("api_key", "prefix")}


async def rows(admin: AsyncEngine, query: str) -> list[tuple[object, ...]]:
    async with admin.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def test_every_table_has_a_tenant_and_forced_row_security(admin: AsyncEngine) -> None:
    tables = await rows(
        admin,
        "select c.relname, c.relrowsecurity and c.relforcerowsecurity, "
        "exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull) "
        f"from pg_class c where c.relkind in ('r', 'p') and {OURS}",
    )
    assert {"outbox", "job", "audit_entry"} <= {name for name, _, _ in tables}
    assert [table for table in tables if table[0] not in WITHOUT_TENANT and table[1:] != (True, True)] == []


async def test_every_unique_key_leads_with_the_tenant(admin: AsyncEngine) -> None:
    """A unique key over all tenants would tell one of them what another holds."""
    leading = await rows(
        admin,
        "select c.relname, i.indexrelid::regclass::text, a.attname from pg_index i "
        "join pg_class c on c.oid = i.indrelid "
        f"join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] where i.indisunique and {OURS}",
    )
    assert leading
    others = {(table, column) for table, _, column in leading if column != "tenant_id"}
    assert {(table, column) for table, column in others if table not in WITHOUT_TENANT} == KNOWN_BEFORE_THE_TENANT


async def test_every_foreign_key_carries_the_tenant(admin: AsyncEngine) -> None:
    """A simple foreign key can point at another tenant's row: such checks pass row security by."""
    simple = await rows(
        admin,
        "select k.conrelid::regclass::text, k.conname from pg_constraint k join pg_class c on c.oid = k.conrelid "
        f"where k.contype = 'f' and {OURS} and not exists ("
        "  select from generate_subscripts(k.conkey, 1) place "
        "  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[place] "
        "  join pg_attribute b on b.attrelid = k.confrelid and b.attnum = k.confkey[place] "
        "  where a.attname = 'tenant_id' and b.attname = 'tenant_id')",
    )
    assert simple == []


async def test_the_runtime_roles_own_nothing_and_bypass_nothing(admin: AsyncEngine) -> None:
    names = ", ".join(f"'{role}'" for role in (OWNER, *RUNTIME_ROLES))
    strong = await rows(
        admin,
        f"select rolname from pg_roles where rolname in ({names}) "
        "and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)",
    )
    owned = await rows(
        admin,
        f"select c.relname from pg_class c where c.relkind = 'r' and {OURS} and c.relowner::regrole::text <> '{OWNER}'",
    )
    members = await rows(
        admin,
        "select m.roleid::regrole::text, m.member::regrole::text from pg_auth_members m "
        f"where m.member::regrole::text in ({names})",
    )
    assert (strong, owned, members) == ([], [], [])


async def test_there_are_no_views_and_no_sequences(admin: AsyncEngine) -> None:
    """A view reads as its owner, and a sequence counts all tenants' rows: whoever adds one decides it here."""
    found = await rows(admin, f"select c.relname from pg_class c where c.relkind in ('v', 'm', 'S', 'f') and {OURS}")
    assert found == []


async def test_functions_that_act_as_their_owner_are_these(admin: AsyncEngine) -> None:
    definers = await rows(
        admin,
        "select p.oid::regprocedure::text, p.proconfig from pg_proc p "
        "where p.prosecdef and p.pronamespace in ('public'::regnamespace, 'app'::regnamespace) "
        "and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')",
    )
    searching = "app.assets_near(double precision,double precision,double precision,integer)"
    assert sorted(definers) == [
        (searching, ["search_path=pg_catalog, public, pg_temp"]),
        ("app.tenant_id()", ["search_path=pg_catalog, pg_temp"]),
    ]


async def test_the_runtime_role_has_one_policy_a_table_and_may_not_truncate(admin: AsyncEngine) -> None:
    policies = await rows(
        admin,
        "select tablename, cmd, qual, with_check from pg_policies "
        f"where schemaname = 'public' and roles && array['{APP}', 'public']::name[]",
    )
    own = "(tenant_id = ( SELECT app.tenant_id() AS tenant_id))"
    assert policies
    assert [policy for policy in policies if policy[1:] != ("ALL", own, own)] == []
    wide = await rows(
        admin,
        "select c.relname from pg_class c, aclexplode(c.relacl) granted "
        f"where {OURS} and granted.privilege_type in ('TRUNCATE', 'TRIGGER', 'REFERENCES') "
        f"and granted.grantee <> '{OWNER}'::regrole and granted.grantee <> 'postgres'::regrole",
    )
    assert wide == []


async def test_who_crosses_tenants_has_exactly_the_grants_of_the_closed_table(admin: AsyncEngine) -> None:
    granted: dict[tuple[object, ...], set[object]] = defaultdict(set)
    names = ", ".join(f"'{crossing.role}'" for crossing in CROSSINGS)
    for role, privilege, table, column in await rows(
        admin,
        "select g.grantee::regrole::text, lower(g.privilege_type), c.relname, a.attname from pg_class c "
        "join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped, "
        "aclexplode(array_cat(c.relacl, a.attacl)) g "
        f"where c.relkind in ('r', 'p') and {OURS} and g.grantee::regrole::text in ({names})",
    ):
        granted[(role, privilege, table)].add(column)
    allowed = {
        (crossing.role, privilege, table): set(columns)
        for crossing in CROSSINGS
        for privilege, tables in (
            ("select", crossing.select),
            ("update", crossing.update),
            ("insert", crossing.insert),
        )
        for table, columns in tables.items()
    }
    assert dict(granted) == allowed


async def test_a_role_that_crosses_sees_only_its_own_tables(admin: AsyncEngine) -> None:
    policies = await rows(
        admin,
        f"select roles[1]::text, tablename from pg_policies where not roles && array['{APP}', '{OWNER}']::name[]",
    )
    allowed = {
        (crossing.role, table)
        for crossing in CROSSINGS
        for table in {*crossing.select, *crossing.update, *crossing.insert}
    }
    assert set(policies) == allowed


async def test_the_tables_are_what_the_code_says(admin: AsyncEngine) -> None:
    metadata = every_table()

    def differences(connection: Connection) -> list[object]:
        ours = set(metadata.tables)
        options = {"include_name": lambda name, kind, _: kind != "table" or name in ours}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with admin.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_second_migration_changes_nothing(installation: Installation, admin: AsyncEngine) -> None:
    everything = f"select c.oid, c.relname, c.relacl::text from pg_class c where {OURS} order by c.oid"
    before = await rows(admin, everything)
    await migrate(installation.admin_url, installation.keys)
    assert await rows(admin, everything) == before
