-- Sums by day, kept by triggers in the transaction that they tell of: a dashboard reads a few rows, not every inspection.
-- Days are of UTC. Rows are taken in order of their key, so that two transactions never wait for each other in a ring.
create table inspection_tally (
    tenant_id uuid not null,
    day date not null,
    verdict text not null,
    inspections bigint not null,
    constraint pk_inspection_tally primary key (tenant_id, day, verdict)
)
-- next
create table measurement_tally (
    tenant_id uuid not null,
    characteristic text not null,
    day date not null,
    count bigint not null,
    total double precision not null,
    squares double precision not null,
    minimum double precision not null,
    maximum double precision not null,
    failed bigint not null,
    constraint pk_measurement_tally primary key (tenant_id, characteristic, day)
)
-- next
create function app.tally_inspections() returns trigger
language plpgsql
as $$
begin
    insert into inspection_tally as kept
    select tenant_id, (created_at at time zone 'utc')::date, verdict, count(*)
    from fresh group by 1, 2, 3 order by 1, 2, 3
    on conflict (tenant_id, day, verdict) do update set inspections = kept.inspections + excluded.inspections;
    return null;
end
$$
-- next
create function app.tally_verdicts_again() returns trigger
language plpgsql
as $$
begin
    insert into inspection_tally as kept
    select tenant_id, day, verdict, sum(change)
    from (
        select tenant_id, (created_at at time zone 'utc')::date as day, verdict, -1 as change from stale
        union all
        select tenant_id, (created_at at time zone 'utc')::date, verdict, 1 from fresh
    ) as changes
    group by 1, 2, 3 having sum(change) <> 0 order by 1, 2, 3
    on conflict (tenant_id, day, verdict) do update set inspections = kept.inspections + excluded.inspections;
    return null;
end
$$
-- next
create function app.tally_measurements() returns trigger
language plpgsql
as $$
begin
    insert into measurement_tally as kept
    select tenant_id, characteristic, (measured_at at time zone 'utc')::date, count(*), sum(value), sum(value * value),
        min(value), max(value), count(*) filter (where verdict = 'FAIL')
    from fresh group by 1, 2, 3 order by 1, 2, 3
    on conflict (tenant_id, characteristic, day) do update set
        count = kept.count + excluded.count,
        total = kept.total + excluded.total,
        squares = kept.squares + excluded.squares,
        minimum = least(kept.minimum, excluded.minimum),
        maximum = greatest(kept.maximum, excluded.maximum),
        failed = kept.failed + excluded.failed;
    return null;
end
$$
-- next
-- The owner is held to row security too, so it is let go for the one read of what was there before.
alter table inspection no force row level security
-- next
alter table measurement no force row level security
-- next
insert into inspection_tally
select tenant_id, (created_at at time zone 'utc')::date, verdict, count(*) from inspection group by 1, 2, 3
-- next
insert into measurement_tally
select tenant_id, characteristic, (measured_at at time zone 'utc')::date, count(*), sum(value), sum(value * value),
    min(value), max(value), count(*) filter (where verdict = 'FAIL')
from measurement group by 1, 2, 3
-- next
alter table inspection force row level security
-- next
alter table measurement force row level security
-- next
create trigger tally after insert on inspection
referencing new table as fresh for each statement execute function app.tally_inspections()
-- next
create trigger tally_again after update on inspection
referencing old table as stale new table as fresh for each statement execute function app.tally_verdicts_again()
-- next
create trigger tally after insert on measurement
referencing new table as fresh for each statement execute function app.tally_measurements()
-- next
revoke all on function app.tally_inspections(), app.tally_verdicts_again(), app.tally_measurements() from public
-- next
grant execute on function app.tally_inspections(), app.tally_verdicts_again(), app.tally_measurements() to d2r_app
