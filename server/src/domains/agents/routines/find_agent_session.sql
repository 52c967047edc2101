-- Sign-in comes before the project is known, so it asks as the owner, for one prefix, and gets one row.
create or replace function control_plane.find_agent_session(key_prefix text)
  returns table (
    tenant_id uuid, organization_id uuid, api_key_id uuid, key_hash bytea, expires_at timestamptz, revoked_at timestamptz,
    service_account_id uuid, service_account_name text, groups text[], disabled_at timestamptz,
    project_name text, score_max numeric, revision bigint,
    session_id uuid, session_name text, session_writes text[])
  language sql stable security definer set search_path = ''
  begin atomic
    select a.tenant_id, p.organization_id, a.id, a.key_hash, a.expires_at, a.ended_at,
           s.id, s.name, s.groups, s.disabled_at, p.name, p.score_max, p.revision, a.id, a.name, a.writes
    from control_plane.agent_sessions a
    join control_plane.service_accounts s on s.tenant_id = a.tenant_id and s.id = a.service_account_id
    join control_plane.projects p on p.id = a.tenant_id
    where a.prefix = key_prefix;
  end;
revoke execute on function control_plane.find_agent_session(text) from public;
grant execute on function control_plane.find_agent_session(text) to sealbase_reader;
