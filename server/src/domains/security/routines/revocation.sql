-- Revoking twice keeps the later end: the table's trigger takes the greater of both.
create or replace function security.revoke_token(revoked_id text, until timestamptz, why text, who text) returns timestamptz
  language sql volatile set search_path = ''
  begin atomic
    insert into security.revoked_tokens (tenant_id, token_id, expires_at, reason, revoked_by)
    values (ops.tenant(), revoked_id, until, why, who)
    on conflict (tenant_id, token_id) do update set expires_at = excluded.expires_at
    returning expires_at;
  end;

create or replace function security.revoke_session(revoked_id text, until timestamptz, why text, who text) returns timestamptz
  language sql volatile set search_path = ''
  begin atomic
    insert into security.revoked_sessions (tenant_id, session_id, expires_at, reason, revoked_by)
    values (ops.tenant(), revoked_id, until, why, who)
    on conflict (tenant_id, session_id) do update set expires_at = excluded.expires_at
    returning expires_at;
  end;

create or replace function security.is_revoked(asked_token_id text, asked_session_id text) returns boolean
  language sql stable set search_path = ''
  begin atomic
    select exists (select from security.revoked_tokens t
                    where t.tenant_id = ops.tenant() and t.token_id = asked_token_id and t.expires_at > now())
        or exists (select from security.revoked_sessions s
                    where s.tenant_id = ops.tenant() and s.session_id = asked_session_id and s.expires_at > now());
  end;

revoke execute on function
  security.revoke_token(text, timestamptz, text, text),
  security.revoke_session(text, timestamptz, text, text),
  security.is_revoked(text, text) from public;
grant execute on function
  security.revoke_token(text, timestamptz, text, text),
  security.revoke_session(text, timestamptz, text, text) to sealbase_writer;
grant execute on function security.is_revoked(text, text) to sealbase_writer, sealbase_reader;
