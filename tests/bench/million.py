"""A million measurements of one workspace, straight into the database: 500 assets, 143,000 inspections, seven
characteristics each. In: the administrator's connection, a tenant and an operator. Takes about a minute."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

CHARACTERISTICS = (
    "profile.lower", "profile.upper", "deviation.mean", "deviation.sigma", "deviation.rms", "deviation.p95",
    "points.in_tolerance",
)  # fmt: skip
_VERDICTS = "array['PASS','PASS','PASS','PASS','PASS','PASS','PASS','PASS','FAIL','INCONCLUSIVE']"

SEED = {
    "assets": """
        insert into asset (tenant_id, id, kind, name, serial_number, location, idempotency_key, created_at)
        select '{t}', gen_random_uuid(), 'PART', 'Part', 'B-' || i,
            st_setsrid(st_makepoint(13 + random(), 52 + random()), 4326), 'b' || i, now()
        from generate_series(1, 500) i""",
    "CAD": """
        insert into cad_revision (tenant_id, id, name, format, accept_flaws, mesh_key, warnings, file_name, size_bytes,
            sha256, object_key, upload_id, part_size_bytes, part_sha256s, state, idempotency_key, created_at)
        select '{t}', gen_random_uuid(), 'c', 'STL', false, 'k', '{{}}', 'f', 1, repeat('0', 64), 'k', 'u', 1, '{{}}',
            'PROCESSED', 'bench', now()""",
    "scans": """
        insert into scan (tenant_id, id, asset_id, cad_revision_id, format, file_name, size_bytes, sha256, object_key,
            upload_id, part_size_bytes, part_sha256s, lower_mm, upper_mm, operator_id, state, idempotency_key,
            created_at)
        select '{t}', gen_random_uuid(), a.id, c.id, 'PLY', 'f', 1, repeat('0', 64), 'k', 'u', 1, '{{}}', -0.1, 0.1,
            '{o}', 'PROCESSED', a.id || '-' || n, now() - make_interval(mins => n * 100 + (random() * 90)::int)
        from asset a, cad_revision c, generate_series(1, 286) n where c.idempotency_key = 'bench'""",
    "alignments": """
        insert into alignment (tenant_id, id, scan_id, cad_revision_id, transform, fitness, rms_mm, ambiguous,
            unconstrained, method, created_at)
        select '{t}', gen_random_uuid(), id, cad_revision_id, array_fill(0::float8, array[16]), 1, 0.01, false, '{{}}',
            'bench', created_at from scan""",
    "deviation maps": """
        insert into deviation_map (tenant_id, id, scan_id, alignment_id, points, mean_mm, sigma_mm, rms_mm, minimum_mm,
            maximum_mm, p95_mm, percent_in_tolerance, profile_lower_mm, profile_upper_mm, uncertainty_mm,
            histogram_edges_mm, histogram_counts, deviations_key, deviations_sha256, heat_map_key, histogram_key,
            report_key, created_at)
        select '{t}', gen_random_uuid(), scan_id, id, 200000, 0, 0.02, 0.02, -0.1, 0.1, 0.04, 99, -0.05, random() * 0.3,
            0.01, '{{}}', '{{}}', 'k', repeat('0', 64), 'k', 'k', 'k', created_at from alignment""",
    "worst points": """
        insert into worst_point (tenant_id, deviation_map_id, rank, location, deviation_mm)
        select '{t}', id, rank, st_makepoint(random() * 120, random() * 80, random() * 60), random() * 0.3
        from deviation_map, generate_series(1, 3) rank""",
    "inspections": """
        insert into inspection (tenant_id, id, asset_id, scan_id, cad_revision_id, alignment_id, deviation_map_id,
            lower_mm, upper_mm, verdict, created_at)
        select '{t}', gen_random_uuid(), s.asset_id, s.id, s.cad_revision_id, m.alignment_id, m.id, -0.1, 0.1,
            ({verdicts})[1 + floor(random() * 10)::int], s.created_at
        from deviation_map m join scan s on s.id = m.scan_id""",
    "decisions": """
        insert into qc_decision (tenant_id, id, inspection_id, scan_id, alignment_id, operator_id, verdict, decided_by,
            reason, record, record_hash, decided_at)
        select '{t}', gen_random_uuid(), id, scan_id, alignment_id, '{o}', verdict, 'RULE', 'bench', '{{}}',
            repeat('0', 64), created_at from inspection""",
    "measurements": """
        insert into measurement (tenant_id, inspection_id, characteristic, asset_id, value, unit, lower_limit,
            upper_limit, verdict, measured_at)
        select '{t}', i.id, c, i.asset_id, random(), 'mm', null, null, i.verdict, i.created_at
        from inspection i, unnest(array[{characteristics}]) c""",
}


async def seed(connection: asyncpg.Connection, tenant: str, operator: str, say: Callable[[str], None]) -> None:
    """Fill the workspace, then let the planner and the visibility map know."""
    names = ", ".join(f"'{name}'" for name in CHARACTERISTICS)
    for noun, statement in SEED.items():
        done = await connection.execute(
            statement.format(t=tenant, o=operator, verdicts=_VERDICTS, characteristics=names), timeout=600
        )
        say(f"{done.split()[-1]} {noun}")
    await connection.execute("vacuum analyze", timeout=600)
