-- The capability: which tenant this transaction may see. Statements are parted by lines that hold `-- next`.
create table app.capability_key (
    only_one boolean primary key default true check (only_one),
    inner_pad bytea not null check (octet_length(inner_pad) = 64),
    outer_pad bytea not null check (octet_length(outer_pad) = 64)
)
-- next
-- Null for anything that does not hold: no capability, forged, expired, minted for another backend. Null matches no row.
-- The pads are HMAC-SHA256's (RFC 2104), so no extension is needed. Both sides are hashed once more with the key before
-- they are compared, so that the time of the comparison tells nothing.
-- Parallel restricted: in a parallel worker pg_backend_pid() is the worker's.
create function app.tenant_id() returns uuid
language plpgsql stable parallel restricted security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    capability text := nullif(current_setting('app.capability', true), '');
    body text;
    key app.capability_key;
begin
    if capability is null or capability !~ '^[0-9a-f-]{36}\|[0-9]{1,12}\|[0-9]{1,10}\|[0-9a-f]{64}$' then
        return null;
    end if;
    body := left(capability, -65);
    select * into key from app.capability_key;
    if sha256(key.outer_pad || sha256(key.outer_pad || sha256(key.inner_pad || convert_to(body, 'UTF8'))))
        is distinct from sha256(key.outer_pad || decode(right(capability, 64), 'hex'))
        or split_part(body, '|', 2)::bigint < extract(epoch from clock_timestamp())
        or split_part(body, '|', 3)::bigint <> pg_backend_pid()
    then
        return null;
    end if;
    return split_part(body, '|', 1)::uuid;
end
$$
-- next
-- Open a tenant for the rest of the transaction and answer which one it became.
create function app.enter(capability text) returns uuid
language plpgsql volatile
as $$
begin
    perform set_config('app.capability', capability, true);
    return app.tenant_id();
end
$$
-- next
create function app.wake_relay() returns trigger
language plpgsql
as $$
begin
    perform pg_notify('d2r_outbox', '');
    return null;
end
$$
-- next
create function app.wake_sequencer() returns trigger
language plpgsql
as $$
begin
    perform pg_notify('d2r_ledger', '');
    return null;
end
$$
-- next
revoke all on all functions in schema app from public
-- next
grant execute on function app.tenant_id(), app.enter(text) to d2r_app
-- next
grant execute on function app.wake_relay(), app.wake_sequencer() to d2r_app
-- next
create table outbox (
    tenant_id uuid not null,
    id uuid not null,
    kind text not null,
    topic text not null,
    key uuid not null,
    type text not null,
    payload jsonb not null,
    created_at timestamptz not null default now(),
    cursor bigint,
    published_at timestamptz,
    constraint pk_outbox primary key (tenant_id, id),
    constraint ck_outbox_kind check (kind in ('job', 'event')),
    constraint ck_outbox_jobs_have_no_cursor check (kind = 'event' or cursor is null)
)
-- next
create unique index ix_outbox_cursor on outbox (tenant_id, topic, cursor)
-- next
create index ix_outbox_unpublished on outbox (id) where published_at is null
-- next
create trigger wake_relay after insert on outbox for each statement execute function app.wake_relay()
-- next
create table outbox_cursor (
    tenant_id uuid not null,
    topic text not null,
    last bigint not null,
    constraint pk_outbox_cursor primary key (tenant_id, topic)
)
-- next
create table job (
    tenant_id uuid not null,
    id uuid not null,
    kind text not null,
    subject_id uuid not null,
    payload jsonb not null,
    requested_by uuid,
    state text not null default 'QUEUED',
    attempts integer not null default 0,
    max_attempts integer not null default 5,
    lease_token bigint not null default 0,
    lease_until timestamptz,
    stage text not null default '',
    unit text not null default '',
    done bigint not null default 0,
    total bigint not null default 0,
    result jsonb,
    problem jsonb,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    woken_at timestamptz not null default now(),
    constraint pk_job primary key (tenant_id, id),
    constraint ck_job_state check (state in ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED'))
)
-- next
create index ix_job_subject on job (tenant_id, subject_id)
-- next
create index ix_job_open on job (woken_at) where state in ('QUEUED', 'RUNNING')
-- next
create table audit_entry (
    tenant_id uuid not null,
    id uuid not null,
    type text not null,
    object_id uuid not null,
    occurred_at timestamptz not null,
    subject_id uuid,
    technical bytea not null,
    technical_commitment bytea not null,
    personal bytea,
    personal_commitment bytea,
    seq bigint,
    leaf_hash bytea,
    constraint pk_audit_entry primary key (tenant_id, id),
    constraint ck_audit_entry_sequenced check ((seq is null) = (leaf_hash is null)),
    constraint ck_audit_entry_personal_is_committed check ((personal is null) = (personal_commitment is null)),
    constraint ck_audit_entry_personal_has_subject check (personal is null or subject_id is not null)
)
-- next
create unique index ix_audit_entry_seq on audit_entry (tenant_id, seq)
-- next
create index ix_audit_entry_object on audit_entry (tenant_id, object_id, seq)
-- next
create index ix_audit_entry_unsequenced on audit_entry (tenant_id, id) where seq is null
-- next
create trigger wake_sequencer after insert on audit_entry for each statement execute function app.wake_sequencer()
-- next
create table audit_key (
    tenant_id uuid not null,
    subject_id uuid not null,
    wrapped bytea,
    created_at timestamptz not null default now(),
    destroyed_at timestamptz,
    constraint pk_audit_key primary key (tenant_id, subject_id),
    constraint ck_audit_key_destroyed check ((wrapped is null) = (destroyed_at is not null))
)
-- next
create table audit_tile (
    tenant_id uuid not null,
    level integer not null,
    index bigint not null,
    hashes bytea not null,
    constraint pk_audit_tile primary key (tenant_id, level, index)
)
-- next
create table audit_checkpoint (
    tenant_id uuid not null,
    size bigint not null,
    root bytea not null,
    note text not null,
    created_at timestamptz not null default now(),
    constraint pk_audit_checkpoint primary key (tenant_id, size)
)
