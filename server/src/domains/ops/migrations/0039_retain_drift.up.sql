-- What the watch for drift keeps does not grow for ever: windows with their cells, findings and points go together, and first uses
-- when they are older. As before, this function has the right to delete, takes what the policies name and no more, and
-- writes down what it took.
reset role;
create or replace function ops.retain(batch int) returns table (retained text, removed bigint, more boolean)
  language plpgsql security definer set search_path = '' as $$
declare
  policy record;
  before timestamptz;
  of_batch bigint;
  gone uuid[];
  with_it bigint;
begin
  for policy in
    select p.id, p.table_name, p.keep_days from ops.retention_policies p
    where p.tenant_id = (select ops.tenant()) and p.enabled order by p.table_name
  loop
    before := now() - make_interval(days => policy.keep_days);
    of_batch := batch;
    case policy.table_name
      when 'ops.outbox' then
        delete from ops.outbox o where o.tenant_id = (select ops.tenant()) and o.id in
          (select t.id from ops.outbox t where t.tenant_id = (select ops.tenant()) and t.finished_at < before limit batch);
        get diagnostics removed = row_count;
      when 'telemetry.security_events' then
        delete from telemetry.security_events e where e.tenant_id = (select ops.tenant()) and e.id in
          (select t.id from telemetry.security_events t where t.tenant_id = (select ops.tenant()) and t.created_at < before limit batch);
        get diagnostics removed = row_count;
      when 'authz.drift_first_uses' then
        delete from authz.drift_first_uses f where f.tenant_id = (select ops.tenant()) and f.ctid in
          (select t.ctid from authz.drift_first_uses t where t.tenant_id = (select ops.tenant())
             and t.day < (before at time zone 'utc')::date limit batch);
        get diagnostics removed = row_count;
      when 'authz.drift_windows' then
        -- A window has up to two thousand cells.
        of_batch := greatest(batch / 2000, 1);
        gone := array(select t.id from authz.drift_windows t where t.tenant_id = (select ops.tenant())
          and t.day < (before at time zone 'utc')::date order by t.day limit of_batch);
        delete from vedic.policy_geometry g
          where g.tenant_id = (select ops.tenant()) and g.subject_type = 'drift_window' and g.subject_id = any(gone);
        delete from vedic.quaternion_signatures s where s.tenant_id = (select ops.tenant())
          and s.subject_type in ('drift_window', 'drift_window_reference') and s.subject_id = any(gone::text[]);
        delete from authz.drift_findings f where f.tenant_id = (select ops.tenant()) and f.window_id = any(gone);
        get diagnostics with_it = row_count;
        if with_it > 0 then
          insert into ops.retention_runs (tenant_id, id, retention_policy_id, table_name, rows_before, rows_removed, outcome, created_at)
          values (ops.tenant(), gen_random_uuid(), policy.id, 'authz.drift_findings', before, with_it, 'done', now());
        end if;
        delete from authz.drift_window_cells c where c.tenant_id = (select ops.tenant()) and c.window_id = any(gone);
        get diagnostics with_it = row_count;
        if with_it > 0 then
          insert into ops.retention_runs (tenant_id, id, retention_policy_id, table_name, rows_before, rows_removed, outcome, created_at)
          values (ops.tenant(), gen_random_uuid(), policy.id, 'authz.drift_window_cells', before, with_it, 'done', now());
        end if;
        delete from authz.drift_windows w where w.tenant_id = (select ops.tenant()) and w.id = any(gone);
        get diagnostics removed = row_count;
      else
        continue;
    end case;
    if removed > 0 then
      insert into ops.retention_runs (tenant_id, id, retention_policy_id, table_name, rows_before, rows_removed, outcome, created_at)
      values (ops.tenant(), gen_random_uuid(), policy.id, policy.table_name, before, removed, 'done', now());
    end if;
    retained := policy.table_name;
    more := removed = of_batch;
    return next;
  end loop;
end
$$;
set local role sealbase_migrator;
comment on table authz.drift_first_uses is
  'A day on which a principal, an action and a resource type came together: the first one, and while they go on doing so another one after ninety days, so that it stays known when the first is taken away. An earlier row, from a decision that came late, goes before a later one.';
comment on column authz.drift_first_uses.decision_id is 'The first such decision of the day, which names all three.';

insert into ops.retention_policies (tenant_id, id, table_name, keep_days, created_by)
select p.id, gen_random_uuid(), t.name, 400, 'Sealbase:server'
from control_plane.projects p, (values ('authz.drift_windows'), ('authz.drift_first_uses')) as t (name)
on conflict do nothing;
