-- What a deviation map says beyond its sums: figures that older maps lack, faces, objects to look at; and comparisons.
alter table deviation_map
    add column strays bigint,
    add column robust_sigma_mm double precision,
    add column p025_mm double precision,
    add column p975_mm double precision,
    add column effective_points double precision
-- next
create table deviation_region (
    tenant_id uuid not null,
    deviation_map_id uuid not null,
    face integer not null,
    shape text not null,
    area_mm2 double precision not null,
    coverage double precision not null,
    points bigint not null,
    middle geometry(PointZ, 0) not null,
    mean_mm double precision,
    sigma_mm double precision,
    rms_mm double precision,
    robust_sigma_mm double precision,
    p025_mm double precision,
    p975_mm double precision,
    percent_in_tolerance double precision,
    profile_lower_mm double precision,
    profile_upper_mm double precision,
    uncertainty_mm double precision,
    verdict text,
    form_mm double precision,
    position_mm double precision,
    form_uncertainty_mm double precision,
    constraint pk_deviation_region primary key (tenant_id, deviation_map_id, face),
    constraint fk_deviation_region_tenant_id_deviation_map_id foreign key (tenant_id, deviation_map_id)
        references deviation_map (tenant_id, id),
    constraint ck_deviation_region_shape check (shape in ('PLANE', 'CYLINDER', 'SPHERE', 'FREEFORM')),
    constraint ck_deviation_region_coverage check (coverage between 0 and 1),
    constraint ck_deviation_region_verdict check (verdict in ('PASS', 'FAIL', 'INCONCLUSIVE')),
    constraint ck_deviation_region_data check ((verdict is null) = (mean_mm is null))
)
-- next
create table deviation_product (
    tenant_id uuid not null,
    deviation_map_id uuid not null,
    kind text not null,
    object_key text not null,
    media_type text not null,
    size_bytes bigint not null,
    sha256 char(64) not null,
    constraint pk_deviation_product primary key (tenant_id, deviation_map_id, kind),
    constraint fk_deviation_product_tenant_id_deviation_map_id foreign key (tenant_id, deviation_map_id)
        references deviation_map (tenant_id, id),
    constraint ck_deviation_product_kind
        check (kind in ('SCENE', 'TILES', 'TILE_INDEX', 'SECTIONS', 'SECTIONS_PICTURE'))
)
-- next
create table scan_comparison (
    tenant_id uuid not null,
    id uuid not null,
    first_scan_id uuid not null,
    second_scan_id uuid not null,
    radius_mm double precision not null,
    depth_mm double precision not null,
    registration_error_mm double precision,
    job_id uuid,
    idempotency_key text not null,
    created_at timestamptz not null,
    state text not null,
    fault_code text,
    fault_message text,
    fault_remedy text,
    applied_registration_error_mm double precision,
    core_points bigint,
    compared_points bigint,
    significant_points bigint,
    mean_mm double precision,
    sigma_mm double precision,
    median_mm double precision,
    p025_mm double precision,
    p975_mm double precision,
    detectable_mm double precision,
    place_positions_mm double precision[],
    place_distances_mm double precision[],
    place_detectables_mm double precision[],
    scene_key text,
    changes_key text,
    constraint pk_scan_comparison primary key (tenant_id, id),
    constraint fk_scan_comparison_tenant_id_first_scan_id foreign key (tenant_id, first_scan_id)
        references scan (tenant_id, id),
    constraint fk_scan_comparison_tenant_id_second_scan_id foreign key (tenant_id, second_scan_id)
        references scan (tenant_id, id),
    constraint ck_scan_comparison_state check (state in ('PROCESSING', 'PROCESSED', 'QUARANTINED')),
    constraint ck_scan_comparison_fault check ((state = 'QUARANTINED') = (fault_code is not null)),
    constraint ck_scan_comparison_result check ((state = 'PROCESSED') = (changes_key is not null)),
    constraint ck_scan_comparison_scans check (first_scan_id <> second_scan_id),
    constraint uq_scan_comparison_idempotency_key unique (tenant_id, idempotency_key)
)
