create table control_plane.organizations (
  id uuid primary key,
  name text not null check (length(name) between 1 and 120),
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table control_plane.organizations is 'Who owns projects.';
select ops.touch_updated_at('control_plane.organizations');
alter table control_plane.organizations enable row level security;
alter table control_plane.organizations force row level security;
create policy organization on control_plane.organizations
  to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor
  using (id = (select ops.organization())) with check (id = (select ops.organization()));
create policy owner on control_plane.organizations to sealbase_migrator using (true) with check (true);
select ops.grant_read('control_plane.organizations');
grant insert, update on control_plane.organizations to sealbase_writer;

create table control_plane.projects (
  id uuid primary key,
  organization_id uuid not null references control_plane.organizations,
  name text not null check (length(name) between 1 and 120),
  slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  score_max numeric(6, 5) not null default 0.6 check (score_max between 0 and 1),
  revision bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, slug)
);
comment on table control_plane.projects is 'The tenant: its id is the tenant_id of every other table.';
comment on column control_plane.projects.score_max is 'A call whose score is above this is refused.';
comment on column control_plane.projects.revision is
  'Grows when a key, a policy or the threshold changes: a call that was decided on an older one is decided again.';
select ops.touch_updated_at('control_plane.projects');
alter table control_plane.projects enable row level security;
alter table control_plane.projects force row level security;
create policy tenant on control_plane.projects
  to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor
  using (id = (select ops.tenant()) or organization_id = (select ops.organization()))
  with check (id = (select ops.tenant()) or organization_id = (select ops.organization()));
create policy owner on control_plane.projects to sealbase_migrator using (true) with check (true);
select ops.grant_read('control_plane.projects');
grant insert, update on control_plane.projects to sealbase_writer;

create table control_plane.service_accounts (
  tenant_id uuid not null references control_plane.projects,
  id uuid not null,
  name text not null check (length(name) between 1 and 120),
  groups text[] not null default '{}',
  disabled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, name)
);
comment on table control_plane.service_accounts is 'A program that calls: the principal behind API keys.';
comment on column control_plane.service_accounts.groups is 'Principal groups, as policies name them.';
select ops.touch_updated_at('control_plane.service_accounts');
select ops.protect_tenant('control_plane.service_accounts');
select ops.grant_read('control_plane.service_accounts');
grant insert, update on control_plane.service_accounts to sealbase_writer;

create table control_plane.api_keys (
  tenant_id uuid not null,
  id uuid not null,
  service_account_id uuid not null,
  name text not null check (length(name) between 1 and 120),
  prefix text not null unique check (prefix ~ '^[0-9a-z]{12}$'),
  key_hash bytea not null check (length(key_hash) = 32),
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, service_account_id) references control_plane.service_accounts
);
comment on table control_plane.api_keys is 'Keys are shown once; what stays is a public prefix and SHA-256 of the whole key.';
create index api_keys_service_account on control_plane.api_keys (tenant_id, service_account_id);
select ops.touch_updated_at('control_plane.api_keys');
select ops.protect_tenant('control_plane.api_keys');
select ops.grant_read('control_plane.api_keys');
grant insert, update on control_plane.api_keys to sealbase_writer;

-- Sign-in comes before the project is known, so it asks as the owner, for one prefix, and gets one row.
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

-- One call for everything that makes earlier decisions stale; other servers drop their caches when they hear it.
create function control_plane.raise_revision(project uuid) returns bigint
  language sql volatile set search_path = ''
  begin atomic
    select pg_catalog.pg_notify('sealbase_revision', project::text);
    update control_plane.projects set revision = revision + 1 where id = project returning revision;
  end;
revoke execute on function control_plane.raise_revision(uuid) from public;
grant execute on function control_plane.raise_revision(uuid) to sealbase_writer;
