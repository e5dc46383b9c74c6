create table workspace (
    tenant_id uuid not null,
    id uuid not null,
    slug text not null,
    name text not null,
    created_at timestamptz not null default now(),
    constraint pk_workspace primary key (tenant_id, id),
    constraint uq_workspace_tenant_id unique (tenant_id),
    constraint ck_workspace_is_a_tenant check (id = tenant_id),
    constraint ck_workspace_slug check (slug ~ '^[a-z0-9][a-z0-9-]{1,62}$')
)
-- next
create unique index ix_workspace_slug on workspace (slug)
-- next
create table member (
    tenant_id uuid not null,
    id uuid not null,
    email text not null,
    name text not null,
    roles text[] not null,
    state text not null,
    password_hash text,
    invitation_sha256 bytea,
    invitation_expires_at timestamptz,
    idempotency_key text,
    created_at timestamptz not null default now(),
    constraint pk_member primary key (tenant_id, id),
    constraint fk_member_workspace foreign key (tenant_id) references workspace (tenant_id),
    constraint ck_member_state check (state in ('INVITED', 'ACTIVE', 'SUSPENDED')),
    constraint ck_member_email check (email = lower(email)),
    constraint ck_member_roles check (cardinality(roles) > 0),
    constraint ck_member_active_has_password check (state <> 'ACTIVE' or password_hash is not null),
    constraint uq_member_email unique (tenant_id, email),
    constraint uq_member_idempotency_key unique (tenant_id, idempotency_key)
)
-- next
create table device (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    kind text not null,
    serial_number text not null,
    registered_by uuid,
    retired_at timestamptz,
    idempotency_key text,
    created_at timestamptz not null default now(),
    constraint pk_device primary key (tenant_id, id),
    constraint fk_device_workspace foreign key (tenant_id) references workspace (tenant_id),
    constraint fk_device_tenant_id foreign key (tenant_id, registered_by) references member (tenant_id, id),
    constraint ck_device_kind check (kind in ('SCANNER', 'EDGE_SERVER')),
    constraint uq_device_serial_number unique (tenant_id, serial_number),
    constraint uq_device_idempotency_key unique (tenant_id, idempotency_key)
)
-- next
create table api_key (
    tenant_id uuid not null,
    id uuid not null,
    prefix text not null,
    secret_sha256 bytea not null,
    name text not null,
    scopes text[] not null,
    member_id uuid,
    device_id uuid,
    created_by uuid,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    replaces_id uuid,
    idempotency_key text,
    created_at timestamptz not null default now(),
    constraint pk_api_key primary key (tenant_id, id),
    constraint fk_api_key_member foreign key (tenant_id, member_id) references member (tenant_id, id),
    constraint fk_api_key_device foreign key (tenant_id, device_id) references device (tenant_id, id),
    constraint fk_api_key_created_by foreign key (tenant_id, created_by) references member (tenant_id, id),
    constraint fk_api_key_replaces foreign key (tenant_id, replaces_id) references api_key (tenant_id, id),
    constraint ck_api_key_one_holder check (num_nonnulls(member_id, device_id) = 1),
    constraint ck_api_key_secret check (octet_length(secret_sha256) = 32),
    constraint uq_api_key_idempotency_key unique (tenant_id, idempotency_key)
)
-- next
create unique index ix_api_key_prefix on api_key (prefix)
-- next
create index ix_api_key_device on api_key (tenant_id, device_id)
-- next
create table sign_in_failure (
    tenant_id uuid not null,
    email_sha256 bytea not null,
    failures integer not null,
    last_at timestamptz not null,
    locked_until timestamptz,
    constraint pk_sign_in_failure primary key (tenant_id, email_sha256)
)
-- next
create index ix_sign_in_failure_last_at on sign_in_failure (tenant_id, last_at)
