-- A job can be watched, cancelled and ordered; and some come again and again.
alter table ops.outbox
  add column ordering_key text check (length(ordering_key) between 1 and 200),
  add column progress real not null default 0 check (progress between 0 and 1),
  add column result text,
  add column error text,
  add column cancel_requested boolean not null default false,
  add column created_by text not null default 'Sealbase:server',
  add column finished_at timestamptz,
  drop constraint outbox_status_check,
  add constraint outbox_status_check check (status in ('waiting', 'running', 'done', 'given_up', 'cancelled')),
  add constraint outbox_finished_check check ((status in ('done', 'given_up', 'cancelled')) = (finished_at is not null));
comment on column ops.outbox.ordering_key is 'Of the open jobs of one key, the oldest goes first and alone.';
comment on column ops.outbox.progress is 'How much is done, from 0 to 1; said by the worker now and then.';
create index outbox_ordered on ops.outbox (tenant_id, ordering_key, id)
  where ordering_key is not null and status in ('waiting', 'running');
grant update (progress, result, error, cancel_requested, finished_at, attempts_max) on ops.outbox to sealbase_writer;

create table ops.schedules (
  tenant_id uuid not null,
  topic text not null check (length(topic) between 1 and 200),
  every_s int not null check (every_s between 60 and 366 * 86400),
  enabled boolean not null default true,
  next_at timestamptz not null,
  last_job_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, topic)
);
comment on table ops.schedules is 'Work that comes again and again: at next_at a job of the topic is made, and the next time set.';
create index schedules_due on ops.schedules (tenant_id, next_at) where enabled;
select ops.touch_updated_at('ops.schedules');
select ops.protect_tenant('ops.schedules');
select ops.grant_read('ops.schedules');
grant insert on ops.schedules to sealbase_writer;
grant update (every_s, enabled, next_at, last_job_id) on ops.schedules to sealbase_writer;

-- The server follows a project's retention policies without the right to delete: this function has it, takes what the policies
-- name and no more, and writes down what it took. A batch is at most as many rows of each table; `more` when there may be more.
grant create on schema ops to sealbase_retention;
reset role;
do $$
begin
  if not (select rolsuper from pg_roles where rolname = current_user) then
    execute format('grant sealbase_retention to %I', current_user);
  end if;
end
$$;
create function ops.retain(batch int) returns table (retained text, removed bigint, more boolean)
  language plpgsql security definer set search_path = '' as $$
declare
  policy record;
  before timestamptz;
begin
  for policy in
    select p.id, p.table_name, p.keep_days from ops.retention_policies p
    where p.tenant_id = (select ops.tenant()) and p.enabled order by p.table_name
  loop
    before := now() - make_interval(days => policy.keep_days);
    case policy.table_name
      when 'ops.outbox' then
        delete from ops.outbox o where o.tenant_id = (select ops.tenant()) and o.id in
          (select t.id from ops.outbox t where t.tenant_id = (select ops.tenant()) and t.finished_at < before limit batch);
      when 'telemetry.security_events' then
        delete from telemetry.security_events e where e.tenant_id = (select ops.tenant()) and e.id in
          (select t.id from telemetry.security_events t where t.tenant_id = (select ops.tenant()) and t.created_at < before limit batch);
      else
        continue;
    end case;
    get diagnostics removed = row_count;
    if removed > 0 then
      insert into ops.retention_runs (tenant_id, id, retention_policy_id, table_name, rows_before, rows_removed, outcome, created_at)
      values (ops.tenant(), gen_random_uuid(), policy.id, policy.table_name, before, removed, 'done', now());
    end if;
    retained := policy.table_name;
    more := removed = batch;
    return next;
  end loop;
end
$$;
alter function ops.retain(int) owner to sealbase_retention;
revoke execute on function ops.retain(int) from public;
grant execute on function ops.retain(int) to sealbase_writer;
set local role sealbase_migrator;
revoke create on schema ops from sealbase_retention;

insert into ops.schedules (tenant_id, topic, every_s, enabled, next_at)
select p.id, s.topic, s.every_s, s.enabled, now() + make_interval(secs => s.every_s)
from control_plane.projects p, (values
  ('ledger.audit', 86400, true), ('ops.retain', 86400, true), ('security.rotate-log-key', 90 * 86400, false)
) as s (topic, every_s, enabled);
