drop function ledger.logs_with_work(int);
create function ledger.logs_with_work() returns setof uuid
  language sql stable security definer set search_path = ''
  begin atomic
    select h.tenant_id from ledger.heads h
    where exists (select from ledger.pending p where p.tenant_id = h.tenant_id)
       or h.size <> coalesce((select max(c.size) from ledger.checkpoints c where c.tenant_id = h.tenant_id), -1);
  end;
revoke execute on function ledger.logs_with_work() from public;
grant execute on function ledger.logs_with_work() to sealbase_writer;
