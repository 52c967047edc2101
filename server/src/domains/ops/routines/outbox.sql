-- A dispatcher looks across projects for work, and sees nothing but which of them have some.
create or replace function ops.tenants_with_work() returns setof uuid
  language sql stable security definer set search_path = ''
  begin atomic
    select distinct o.tenant_id from ops.outbox o
    where (o.status = 'waiting' and o.due_at <= now())
       or (o.status = 'running' and o.leased_until < now())
    union
    select s.tenant_id from ops.schedules s where s.enabled and s.next_at <= now();
  end;
revoke execute on function ops.tenants_with_work() from public;
grant execute on function ops.tenants_with_work() to sealbase_writer;
