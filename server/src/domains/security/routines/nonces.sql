-- Gives the caller the nonces (result - amount, result]; nobody else ever gets one of them.
create or replace function security.reserve_nonces(of_stream text, amount int) returns bigint
  language sql volatile strict set search_path = ''
  begin atomic
    insert into security.nonce_watermarks as w (tenant_id, stream, reserved_high)
    values (ops.tenant(), of_stream, amount)
    on conflict (tenant_id, stream) do update set reserved_high = w.reserved_high + excluded.reserved_high
    returning reserved_high;
  end;
revoke execute on function security.reserve_nonces(text, int) from public;
grant execute on function security.reserve_nonces(text, int) to sealbase_writer;
