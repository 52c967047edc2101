-- What the root log sealed of the log of the project in whose scope it is asked: for its verification.
create function ledger.sealed_heads(above bigint, up_to bigint, heads_max int)
  returns table (size bigint, payload text)
  language sql stable security definer set search_path = ''
  begin atomic
    select r.size, p.payload from ledger.root_heads r
      left join ledger.payloads p on p.tenant_id = r.tenant_id and p.entry_id = r.entry_id
    where r.tenant_id = '00000000-0000-7000-8000-000000000000' and r.log_id = (select ops.tenant())
      and r.size > above and r.size <= up_to
    order by r.size limit heads_max;
  end;
revoke execute on function ledger.sealed_heads(bigint, bigint, int) from public;
grant execute on function ledger.sealed_heads(bigint, bigint, int) to sealbase_writer, sealbase_reader;
