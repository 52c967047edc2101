-- Whoever tells webhooks looks across projects for those that have something to tell, and sees nothing but which they are.
create or replace function ops.tenants_to_tell() returns setof uuid
  language sql stable security definer set search_path = ''
  begin atomic
    select distinct w.tenant_id from ops.webhooks w
    join ledger.heads h on h.tenant_id = w.tenant_id
    where w.enabled and split_part(w.position, '.', 1)::bigint < h.size;
  end;
revoke execute on function ops.tenants_to_tell() from public;
grant execute on function ops.tenants_to_tell() to sealbase_writer;
