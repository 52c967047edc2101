drop function control_plane.find_api_key(text);
create function control_plane.find_api_key(key_prefix text)
  returns table (
    tenant_id uuid, organization_id uuid, api_key_id uuid, key_hash bytea, expires_at timestamptz, revoked_at timestamptz,
    service_account_id uuid, service_account_name text, groups text[], disabled_at timestamptz,
    project_name text, score_max numeric, revision bigint)
  language sql stable security definer set search_path = ''
  begin atomic
    select k.tenant_id, p.organization_id, k.id, k.key_hash, k.expires_at, k.revoked_at,
           s.id, s.name, s.groups, s.disabled_at, p.name, p.score_max, p.revision
    from control_plane.api_keys k
    join control_plane.service_accounts s on s.tenant_id = k.tenant_id and s.id = k.service_account_id
    join control_plane.projects p on p.id = k.tenant_id
    where k.prefix = key_prefix;
  end;
revoke execute on function control_plane.find_api_key(text) from public;
grant execute on function control_plane.find_api_key(text) to sealbase_reader;

alter table control_plane.api_keys drop column step_up_until, drop column auth_tier, drop column auth_method;
