-- The sequencer looks across projects for work: which logs have some, and how many entries wait in each, counted up to a limit.
drop function ledger.logs_with_work();
create function ledger.logs_with_work(pending_max int) returns table (id uuid, pending int)
  language sql stable security definer set search_path = ''
  begin atomic
    select h.tenant_id, waiting.pending::int from ledger.heads h,
      lateral (select count(*) as pending
               from (select from ledger.pending p where p.tenant_id = h.tenant_id limit pending_max) counted) waiting
    where waiting.pending > 0
       or h.size <> coalesce((select max(c.size) from ledger.checkpoints c where c.tenant_id = h.tenant_id), -1);
  end;
revoke execute on function ledger.logs_with_work(int) from public;
grant execute on function ledger.logs_with_work(int) to sealbase_writer;
