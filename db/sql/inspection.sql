-- Every key leads with the tenant and every foreign key is composite: a row cannot point into another tenant. A decision
-- is bound by not-null foreign keys to one scan, one alignment *of that scan* and one operator.
create table asset (
    tenant_id uuid not null,
    id uuid not null,
    kind text not null,
    name text not null,
    serial_number text not null,
    location geography(Point, 4326),
    idempotency_key text not null,
    created_at timestamptz not null,
    constraint pk_asset primary key (tenant_id, id),
    constraint fk_asset_workspace foreign key (tenant_id) references workspace (tenant_id),
    constraint ck_asset_kind check (kind in ('PART', 'MACHINE', 'STRUCTURE')),
    constraint uq_asset_serial_number unique (tenant_id, kind, serial_number),
    constraint uq_asset_idempotency_key unique (tenant_id, idempotency_key)
)
-- next
create index ix_asset_location on asset using gist (tenant_id, location)
-- next
create index ix_asset_newest on asset (tenant_id, created_at desc, id desc)
-- next
create table cad_revision (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    format text not null,
    unit text,
    accept_flaws boolean not null,
    mesh_key text,
    triangles bigint,
    vertices bigint,
    watertight boolean,
    area_mm2 double precision,
    minimum_mm double precision[],
    maximum_mm double precision[],
    warnings text[] not null,
    file_name text not null,
    size_bytes bigint not null,
    sha256 char(64) not null,
    object_key text not null,
    upload_id text not null,
    part_size_bytes bigint not null,
    part_sha256s text[] not null,
    state text not null,
    fault_code text,
    fault_message text,
    fault_remedy text,
    job_id uuid,
    idempotency_key text not null,
    created_at timestamptz not null,
    constraint pk_cad_revision primary key (tenant_id, id),
    constraint fk_cad_revision_workspace foreign key (tenant_id) references workspace (tenant_id),
    constraint ck_cad_revision_state
        check (state in ('AWAITING_PARTS', 'PROCESSING', 'PROCESSED', 'QUARANTINED')),
    constraint ck_cad_revision_fault check ((state = 'QUARANTINED') = (fault_code is not null)),
    constraint ck_cad_revision_mesh check ((state = 'PROCESSED') = (mesh_key is not null)),
    constraint uq_cad_revision_idempotency_key unique (tenant_id, idempotency_key)
)
-- next
create table scan (
    tenant_id uuid not null,
    id uuid not null,
    asset_id uuid not null,
    cad_revision_id uuid not null,
    format text not null,
    unit text,
    lower_mm double precision not null,
    upper_mm double precision not null,
    uncertainty_mm double precision,
    pose_hint double precision[],
    device_id uuid,
    operator_id uuid,
    points bigint,
    acquired_at timestamptz,
    completed_at timestamptz,
    file_name text not null,
    size_bytes bigint not null,
    sha256 char(64) not null,
    object_key text not null,
    upload_id text not null,
    part_size_bytes bigint not null,
    part_sha256s text[] not null,
    state text not null,
    fault_code text,
    fault_message text,
    fault_remedy text,
    job_id uuid,
    idempotency_key text not null,
    created_at timestamptz not null,
    constraint pk_scan primary key (tenant_id, id),
    constraint fk_scan_tenant_id_asset_id foreign key (tenant_id, asset_id) references asset (tenant_id, id),
    constraint fk_scan_tenant_id_cad_revision_id foreign key (tenant_id, cad_revision_id)
        references cad_revision (tenant_id, id),
    constraint fk_scan_tenant_id_device_id foreign key (tenant_id, device_id)
        references device (tenant_id, id),
    constraint fk_scan_tenant_id_operator_id foreign key (tenant_id, operator_id)
        references member (tenant_id, id),
    constraint ck_scan_state check (state in ('AWAITING_PARTS', 'PROCESSING', 'PROCESSED', 'QUARANTINED')),
    constraint ck_scan_fault check ((state = 'QUARANTINED') = (fault_code is not null)),
    constraint ck_scan_tolerance check (lower_mm < upper_mm),
    constraint ck_scan_operator check (state = 'AWAITING_PARTS' or operator_id is not null),
    constraint uq_scan_idempotency_key unique (tenant_id, idempotency_key)
)
-- next
create index ix_scan_asset on scan (tenant_id, asset_id, created_at desc, id desc)
-- next
create table alignment (
    tenant_id uuid not null,
    id uuid not null,
    scan_id uuid not null,
    cad_revision_id uuid not null,
    transform double precision[] not null,
    fitness double precision not null,
    rms_mm double precision not null,
    ambiguous boolean not null,
    unconstrained text[] not null,
    method text not null,
    created_at timestamptz not null,
    constraint pk_alignment primary key (tenant_id, id),
    constraint fk_alignment_tenant_id_scan_id foreign key (tenant_id, scan_id)
        references scan (tenant_id, id),
    constraint fk_alignment_tenant_id_cad_revision_id foreign key (tenant_id, cad_revision_id)
        references cad_revision (tenant_id, id),
    constraint uq_alignment_scan unique (tenant_id, scan_id, id),
    constraint ck_alignment_transform check (array_length(transform, 1) = 16)
)
-- next
create table deviation_map (
    tenant_id uuid not null,
    id uuid not null,
    scan_id uuid not null,
    alignment_id uuid not null,
    points bigint not null,
    mean_mm double precision not null,
    sigma_mm double precision not null,
    rms_mm double precision not null,
    minimum_mm double precision not null,
    maximum_mm double precision not null,
    p95_mm double precision not null,
    percent_in_tolerance double precision not null,
    profile_lower_mm double precision not null,
    profile_upper_mm double precision not null,
    uncertainty_mm double precision not null,
    histogram_edges_mm double precision[] not null,
    histogram_counts bigint[] not null,
    deviations_key text not null,
    deviations_sha256 char(64) not null,
    heat_map_key text not null,
    histogram_key text not null,
    report_key text not null,
    created_at timestamptz not null,
    constraint pk_deviation_map primary key (tenant_id, id),
    constraint fk_deviation_map_tenant_id_scan_id_alignment_id foreign key (tenant_id, scan_id, alignment_id)
        references alignment (tenant_id, scan_id, id),
    constraint uq_deviation_map_scan unique (tenant_id, scan_id, id)
)
-- next
create table deviation_band (
    tenant_id uuid not null,
    deviation_map_id uuid not null,
    position smallint not null,
    lower_mm double precision,
    upper_mm double precision,
    points bigint not null,
    constraint pk_deviation_band primary key (tenant_id, deviation_map_id, position),
    constraint fk_deviation_band_tenant_id_deviation_map_id foreign key (tenant_id, deviation_map_id)
        references deviation_map (tenant_id, id)
)
-- next
create table worst_point (
    tenant_id uuid not null,
    deviation_map_id uuid not null,
    rank smallint not null,
    location geometry(PointZ, 0) not null,
    deviation_mm double precision not null,
    constraint pk_worst_point primary key (tenant_id, deviation_map_id, rank),
    constraint fk_worst_point_tenant_id_deviation_map_id foreign key (tenant_id, deviation_map_id)
        references deviation_map (tenant_id, id)
)
-- next
create table inspection (
    tenant_id uuid not null,
    id uuid not null,
    asset_id uuid not null,
    scan_id uuid not null,
    cad_revision_id uuid not null,
    alignment_id uuid not null,
    deviation_map_id uuid not null,
    lower_mm double precision not null,
    upper_mm double precision not null,
    uncertainty_mm double precision,
    verdict text not null,
    created_at timestamptz not null,
    constraint pk_inspection primary key (tenant_id, id),
    constraint fk_inspection_tenant_id_asset_id foreign key (tenant_id, asset_id)
        references asset (tenant_id, id),
    constraint fk_inspection_tenant_id_cad_revision_id foreign key (tenant_id, cad_revision_id)
        references cad_revision (tenant_id, id),
    constraint fk_inspection_tenant_id_scan_id_alignment_id foreign key (tenant_id, scan_id, alignment_id)
        references alignment (tenant_id, scan_id, id),
    constraint fk_inspection_tenant_id_scan_id_deviation_map_id foreign key (tenant_id, scan_id, deviation_map_id)
        references deviation_map (tenant_id, scan_id, id),
    constraint ck_inspection_verdict check (verdict in ('PASS', 'FAIL', 'INCONCLUSIVE')),
    constraint uq_inspection_scan unique (tenant_id, scan_id),
    constraint uq_inspection_binding unique (tenant_id, id, scan_id, alignment_id)
)
-- next
create index ix_inspection_asset on inspection (tenant_id, asset_id, created_at desc, id desc)
-- next
create index ix_inspection_newest on inspection (tenant_id, created_at desc, id desc)
-- next
create index ix_inspection_verdict on inspection (tenant_id, verdict, created_at desc, id desc)
-- next
create table qc_decision (
    tenant_id uuid not null,
    id uuid not null,
    inspection_id uuid not null,
    scan_id uuid not null,
    alignment_id uuid not null,
    operator_id uuid not null,
    verdict text not null,
    decided_by text not null,
    reason text not null,
    record text not null,
    record_hash char(64) not null,
    supersedes_id uuid,
    decided_at timestamptz not null,
    constraint pk_qc_decision primary key (tenant_id, id),
    constraint fk_qc_decision_tenant_id_inspection_id_scan_id_alignment_id foreign key (tenant_id, inspection_id, scan_id, alignment_id)
        references inspection (tenant_id, id, scan_id, alignment_id),
    constraint fk_qc_decision_tenant_id_operator_id foreign key (tenant_id, operator_id)
        references member (tenant_id, id),
    constraint fk_qc_decision_tenant_id_inspection_id_supersedes_id foreign key (tenant_id, inspection_id, supersedes_id)
        references qc_decision (tenant_id, inspection_id, id),
    constraint ck_qc_decision_verdict check (verdict in ('PASS', 'FAIL', 'INCONCLUSIVE')),
    constraint ck_qc_decision_decided_by check (decided_by in ('RULE', 'OPERATOR')),
    constraint uq_qc_decision_inspection unique (tenant_id, inspection_id, id),
    constraint uq_qc_decision_line unique nulls not distinct (tenant_id, inspection_id, supersedes_id)
)
-- next
create table measurement (
    tenant_id uuid not null,
    inspection_id uuid not null,
    characteristic text not null,
    asset_id uuid not null,
    value double precision not null,
    unit text not null,
    lower_limit double precision,
    upper_limit double precision,
    verdict text not null,
    measured_at timestamptz not null,
    constraint pk_measurement primary key (tenant_id, inspection_id, characteristic),
    constraint fk_measurement_tenant_id_inspection_id foreign key (tenant_id, inspection_id)
        references inspection (tenant_id, id),
    constraint fk_measurement_tenant_id_asset_id foreign key (tenant_id, asset_id)
        references asset (tenant_id, id),
    constraint ck_measurement_verdict check (verdict in ('PASS', 'FAIL', 'INCONCLUSIVE'))
)
-- next
create index ix_measurement_time on measurement (tenant_id, characteristic, measured_at desc)
    include (value, verdict)
-- next
create index ix_measurement_trend on measurement (tenant_id, asset_id, characteristic, measured_at desc)
    include (value, verdict)
-- next
-- Assets near a place, nearest first. PostGIS's operators are not leakproof, so row security would keep the index unused
-- (the policy must be checked first, row by row). This function is the way round: it runs as the owner, asks for the
-- tenant itself, and answers ids that the caller reads again under row security.
create policy search_places on asset for select to d2r_owner using (true)
-- next
create function app.assets_near(longitude double precision, latitude double precision, radius_m double precision, most integer)
returns table (id uuid, distance_m double precision)
language sql stable parallel restricted security definer
set search_path = pg_catalog, public, pg_temp
begin atomic
    select asset.id, st_distance(asset.location, st_point(longitude, latitude, 4326)::geography)
    from asset
    where asset.tenant_id = (select app.tenant_id())
      and st_dwithin(asset.location, st_point(longitude, latitude, 4326)::geography, radius_m)
    order by 2, 1
    limit least(most, 500);
end
-- next
revoke all on function app.assets_near(double precision, double precision, double precision, integer) from public
-- next
grant execute on function app.assets_near(double precision, double precision, double precision, integer) to d2r_app
