-- What a server does at its start and once an hour, for every project: partitions of the coming months, and
-- Idempotency-Keys that have expired.
create or replace function ops.housekeep() returns void
  language plpgsql security definer set search_path = '' as $$
begin
  perform ops.make_partitions();
  delete from ops.idempotency_keys where expires_at < now();
end
$$;

revoke execute on function ops.housekeep() from public;
grant execute on function ops.housekeep() to sealbase_writer;
comment on function ops.housekeep() is 'Makes coming partitions and forgets expired Idempotency-Keys.';
