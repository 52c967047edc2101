-- Those that an administrator set stay; nothing follows them.
delete from ops.retention_policies where table_name in ('authz.drift_windows', 'authz.drift_first_uses') and created_by = 'Sealbase:server';
comment on table authz.drift_first_uses is
  'The day on which a principal, an action and a resource type came together first. An earlier row, from a decision that came late, goes before a later one.';
comment on column authz.drift_first_uses.decision_id is 'The first such decision, which names all three.';
reset role;
create or replace function ops.retain(batch int) returns table (retained text, removed bigint, more boolean)
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
set local role sealbase_migrator;
