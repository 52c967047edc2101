alter table control_plane.api_keys
  add column auth_method text not null default 'api_key' check (auth_method in ('api_key', 'password', 'mfa', 'passkey')),
  add column auth_tier text not null default 'T1' check (auth_tier in ('T1', 'T2', 'T3', 'T4')),
  add column step_up_until timestamptz;
comment on column control_plane.api_keys.auth_method is 'How whoever uses the key has signed in, as policies are told.';
comment on column control_plane.api_keys.auth_tier is 'How surely it is known who that is.';
comment on column control_plane.api_keys.step_up_until is 'Until when a fresh proof of presence counts; null: there was none.';

drop function control_plane.find_api_key(text);
create function control_plane.find_api_key(key_prefix text)
  returns table (
    tenant_id uuid, organization_id uuid, api_key_id uuid, key_hash bytea, expires_at timestamptz, revoked_at timestamptz,
    service_account_id uuid, service_account_name text, groups text[], disabled_at timestamptz,
    project_name text, score_max numeric, revision bigint,
    auth_method text, auth_tier text, step_up_until timestamptz)
  language sql stable security definer set search_path = ''
  begin atomic
    select k.tenant_id, p.organization_id, k.id, k.key_hash, k.expires_at, k.revoked_at,
           s.id, s.name, s.groups, s.disabled_at, p.name, p.score_max, p.revision,
           k.auth_method, k.auth_tier, k.step_up_until
    from control_plane.api_keys k
    join control_plane.service_accounts s on s.tenant_id = k.tenant_id and s.id = k.service_account_id
    join control_plane.projects p on p.id = k.tenant_id
    where k.prefix = key_prefix;
  end;
revoke execute on function control_plane.find_api_key(text) from public;
grant execute on function control_plane.find_api_key(text) to sealbase_reader;
