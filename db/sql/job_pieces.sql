-- What a long job has finished already, so that a worker that takes it over goes on from there.
create table job_piece (
    tenant_id uuid not null,
    job_id uuid not null,
    stage text not null,
    number integer not null,
    facts jsonb not null,
    finished_at timestamptz not null default now(),
    constraint pk_job_piece primary key (tenant_id, job_id, stage, number),
    constraint fk_job_piece_tenant_id_job_id foreign key (tenant_id, job_id) references job (tenant_id, id)
)
