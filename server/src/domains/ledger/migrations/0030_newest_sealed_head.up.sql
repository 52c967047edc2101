-- The newest head of its own log that a project finds in the root log: a log that does not lead to it is not extended.
create function ledger.newest_sealed_head() returns table (size bigint, payload text)
  language sql stable security definer set search_path = ''
  begin atomic
    select r.size, p.payload from ledger.root_heads r
      left join ledger.payloads p on p.tenant_id = r.tenant_id and p.entry_id = r.entry_id
    where r.tenant_id = '00000000-0000-7000-8000-000000000000' and r.log_id = (select ops.tenant())
    order by r.size desc limit 1;
  end;
revoke execute on function ledger.newest_sealed_head() from public;
grant execute on function ledger.newest_sealed_head() to sealbase_writer, sealbase_reader;
