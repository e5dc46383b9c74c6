-- A version names its twin in every key, so that neither a parent nor a head can be of another twin.
create table twin (
    tenant_id uuid not null,
    id uuid not null,
    asset_id uuid not null,
    created_at timestamptz not null,
    constraint pk_twin primary key (tenant_id, id),
    constraint fk_twin_tenant_id_asset_id foreign key (tenant_id, asset_id) references asset (tenant_id, id),
    constraint uq_twin_asset unique (tenant_id, asset_id)
)
-- next
create table twin_version (
    tenant_id uuid not null,
    id uuid not null,
    twin_id uuid not null,
    content text not null,
    content_hash char(64) not null,
    message text not null,
    author_id uuid,
    idempotency_key text not null,
    scan_id uuid,
    alignment_id uuid,
    inspection_id uuid,
    decision_id uuid,
    created_at timestamptz not null,
    constraint pk_twin_version primary key (tenant_id, id),
    constraint fk_twin_version_tenant_id_twin_id foreign key (tenant_id, twin_id)
        references twin (tenant_id, id),
    constraint fk_twin_version_tenant_id_author_id foreign key (tenant_id, author_id)
        references member (tenant_id, id),
    constraint fk_twin_version_tenant_id_scan_id_alignment_id foreign key (tenant_id, scan_id, alignment_id)
        references alignment (tenant_id, scan_id, id),
    constraint fk_twin_version_tenant_id_inspection_id_decision_id foreign key (tenant_id, inspection_id, decision_id)
        references qc_decision (tenant_id, inspection_id, id),
    constraint ck_twin_version_provenance_whole
        check (num_nonnulls(scan_id, alignment_id, inspection_id, decision_id) in (0, 4)),
    constraint uq_twin_version_twin unique (tenant_id, twin_id, id),
    constraint uq_twin_version_idempotency_key unique (tenant_id, twin_id, idempotency_key),
    constraint uq_twin_version_decision unique (tenant_id, decision_id)
)
-- next
create index ix_twin_version_newest on twin_version (tenant_id, twin_id, created_at desc, id desc)
-- next
create index ix_twin_version_scan on twin_version (tenant_id, scan_id, created_at desc, id desc)
-- next
create table twin_version_parent (
    tenant_id uuid not null,
    version_id uuid not null,
    position smallint not null,
    twin_id uuid not null,
    parent_id uuid not null,
    constraint pk_twin_version_parent primary key (tenant_id, version_id, position),
    constraint fk_twin_version_parent_tenant_id_twin_id_version_id foreign key (tenant_id, twin_id, version_id)
        references twin_version (tenant_id, twin_id, id),
    constraint fk_twin_version_parent_tenant_id_twin_id_parent_id foreign key (tenant_id, twin_id, parent_id)
        references twin_version (tenant_id, twin_id, id),
    constraint uq_twin_version_parent_once unique (tenant_id, version_id, parent_id),
    constraint ck_twin_version_parent_not_itself check (parent_id <> version_id)
)
-- next
create table twin_ref (
    tenant_id uuid not null,
    twin_id uuid not null,
    name text not null,
    head_id uuid not null,
    moved_at timestamptz not null,
    constraint pk_twin_ref primary key (tenant_id, twin_id, name),
    constraint fk_twin_ref_tenant_id_twin_id foreign key (tenant_id, twin_id) references twin (tenant_id, id),
    constraint fk_twin_ref_tenant_id_twin_id_head_id foreign key (tenant_id, twin_id, head_id)
        references twin_version (tenant_id, twin_id, id)
)
