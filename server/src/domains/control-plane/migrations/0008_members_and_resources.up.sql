-- People. A person is the same in every project; who may see one follows from membership.
create table control_plane.users (
  id uuid primary key,
  display_name text not null check (length(display_name) between 1 and 200),
  email text check (email = lower(email) and length(email) between 3 and 320),
  status text not null default 'active' check (status in ('active', 'disabled')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table control_plane.users is 'People, over all organizations. What they may do stands in memberships, bindings and grants.';
create unique index users_email on control_plane.users (email) where email is not null;
select ops.touch_updated_at('control_plane.users');

create table control_plane.identities (
  id uuid primary key,
  user_id uuid not null references control_plane.users,
  issuer text not null check (length(issuer) between 1 and 500),
  subject text not null check (length(subject) between 1 and 500),
  last_used_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (issuer, subject)
);
comment on table control_plane.identities is 'How a person signs in: a subject of an issuer (OpenID Connect, SAML, a passkey of ours).';
create index identities_user on control_plane.identities (user_id);
select ops.touch_updated_at('control_plane.identities');

create table control_plane.organization_memberships (
  organization_id uuid not null references control_plane.organizations,
  user_id uuid not null references control_plane.users,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  invited_by text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
comment on table control_plane.organization_memberships is 'People of an organization; the role holds in all of its projects.';
create index organization_memberships_user on control_plane.organization_memberships (user_id);
select ops.touch_updated_at('control_plane.organization_memberships');

create table control_plane.memberships (
  tenant_id uuid not null references control_plane.projects,
  user_id uuid not null references control_plane.users,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  invited_by text,
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, user_id)
);
comment on table control_plane.memberships is 'People of one project.';
select ops.touch_updated_at('control_plane.memberships');
select ops.protect_tenant('control_plane.memberships');
select ops.grant_write('control_plane.memberships');

alter table control_plane.organization_memberships enable row level security;
alter table control_plane.organization_memberships force row level security;
create policy organization on control_plane.organization_memberships
  to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor
  using (organization_id = (select ops.organization())) with check (organization_id = (select ops.organization()));
create policy owner on control_plane.organization_memberships to sealbase_migrator using (true) with check (true);
select ops.grant_write('control_plane.organization_memberships');

alter table control_plane.users enable row level security;
alter table control_plane.users force row level security;
create policy member on control_plane.users
  to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor
  using (
    exists (select from control_plane.memberships m where m.tenant_id = (select ops.tenant()) and m.user_id = id)
    or exists (select from control_plane.organization_memberships m
                where m.organization_id = (select ops.organization()) and m.user_id = id));
-- A new person has no membership yet, so only the way in is open: insert without returning.
create policy newcomer on control_plane.users for insert to sealbase_writer with check (true);
create policy owner on control_plane.users to sealbase_migrator using (true) with check (true);
select ops.grant_read('control_plane.users');
grant insert, update on control_plane.users to sealbase_writer;

alter table control_plane.identities enable row level security;
alter table control_plane.identities force row level security;
create policy member on control_plane.identities
  to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor
  using (exists (select from control_plane.users u where u.id = user_id));
create policy newcomer on control_plane.identities for insert to sealbase_writer with check (true);
create policy owner on control_plane.identities to sealbase_migrator using (true) with check (true);
select ops.grant_read('control_plane.identities');
grant insert, update, delete on control_plane.identities to sealbase_writer;

-- Programs that others install.
create table control_plane.apps (
  tenant_id uuid not null references control_plane.projects,
  id uuid not null,
  name text not null check (length(name) between 1 and 120),
  slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  status text not null default 'draft' check (status in ('draft', 'published', 'withdrawn')),
  redirect_uris text[] not null default '{}',
  scopes text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, slug)
);
comment on table control_plane.apps is 'A program that a project offers to others; its tenant is the project that made it.';
comment on column control_plane.apps.scopes is 'What it may ask for at most.';
select ops.touch_updated_at('control_plane.apps');
select ops.protect_tenant('control_plane.apps');
select ops.grant_write('control_plane.apps');

create table control_plane.app_installations (
  tenant_id uuid not null references control_plane.projects,
  id uuid not null,
  app_tenant_id uuid not null,
  app_id uuid not null,
  status text not null default 'active' check (status in ('active', 'suspended', 'removed')),
  scopes text[] not null default '{}',
  installed_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, app_tenant_id, app_id),
  foreign key (app_tenant_id, app_id) references control_plane.apps
);
comment on table control_plane.app_installations is 'An app in use by a project, which may be another than the one that made it.';
select ops.touch_updated_at('control_plane.app_installations');
select ops.protect_tenant('control_plane.app_installations');
select ops.grant_write('control_plane.app_installations');

-- What access is about.
create table control_plane.resources (
  tenant_id uuid not null references control_plane.projects,
  id uuid not null,
  type text not null check (length(type) between 1 and 120),
  external_id text not null check (length(external_id) between 1 and 500),
  name text not null check (length(name) between 1 and 500),
  tier text not null default 'T1' check (tier in ('T1', 'T2', 'T3', 'T4')),
  parent_id uuid,
  attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, type, external_id),
  foreign key (tenant_id, parent_id) references control_plane.resources,
  check (parent_id <> id)
);
comment on table control_plane.resources is 'Things that access is granted to, in a tree: a grant on a parent holds below it.';
create index resources_parent on control_plane.resources (tenant_id, parent_id) where parent_id is not null;
select ops.touch_updated_at('control_plane.resources');
select ops.protect_tenant('control_plane.resources');
select ops.grant_write('control_plane.resources');

create table control_plane.resource_links (
  tenant_id uuid not null,
  from_resource_id uuid not null,
  relation text not null check (relation ~ '^[a-z][a-z0-9_]{0,62}$'),
  to_resource_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, from_resource_id, relation, to_resource_id),
  foreign key (tenant_id, from_resource_id) references control_plane.resources on delete cascade,
  foreign key (tenant_id, to_resource_id) references control_plane.resources on delete cascade
);
comment on table control_plane.resource_links is 'Relations beside the tree: uses, backs up, derives from.';
create index resource_links_to on control_plane.resource_links (tenant_id, to_resource_id);
select ops.protect_tenant('control_plane.resource_links');
select ops.grant_read('control_plane.resource_links');
grant insert, delete on control_plane.resource_links to sealbase_writer;

create table control_plane.role_bindings (
  tenant_id uuid not null references control_plane.projects,
  id uuid not null,
  principal_type text not null check (principal_type in ('user', 'service_account', 'group', 'app')),
  principal_id text not null check (length(principal_id) between 1 and 200),
  role text not null check (role ~ '^[a-z][a-z0-9_.-]{0,62}$'),
  resource_id uuid,
  expires_at timestamptz,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique nulls not distinct (tenant_id, principal_type, principal_id, role, resource_id),
  foreign key (tenant_id, resource_id) references control_plane.resources on delete cascade
);
comment on table control_plane.role_bindings is 'A principal has a role on a resource and below; without a resource, on the whole project.';
create index role_bindings_resource on control_plane.role_bindings (tenant_id, resource_id);
select ops.touch_updated_at('control_plane.role_bindings');
select ops.protect_tenant('control_plane.role_bindings');
select ops.grant_write('control_plane.role_bindings');

create table control_plane.grants (
  tenant_id uuid not null references control_plane.projects,
  id uuid not null,
  principal_type text not null check (principal_type in ('user', 'service_account', 'group', 'app')),
  principal_id text not null check (length(principal_id) between 1 and 200),
  effect text not null check (effect in ('allow', 'deny')),
  action text not null check (length(action) between 1 and 200),
  resource_id uuid,
  condition jsonb check (jsonb_typeof(condition) = 'object'),
  expires_at timestamptz,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique nulls not distinct (tenant_id, principal_type, principal_id, effect, action, resource_id, condition),
  foreign key (tenant_id, resource_id) references control_plane.resources on delete cascade
);
comment on table control_plane.grants is 'Single permissions and refusals beside the roles; a deny wins over every allow.';
comment on column control_plane.grants.action is 'An action or a glob of actions.';
comment on column control_plane.grants.condition is 'What the context of the call must be for the grant to hold; null holds always.';
create index grants_resource on control_plane.grants (tenant_id, resource_id);
select ops.touch_updated_at('control_plane.grants');
select ops.protect_tenant('control_plane.grants');
select ops.grant_write('control_plane.grants');

create table control_plane.consents (
  tenant_id uuid not null references control_plane.projects,
  id uuid not null,
  subject text not null check (length(subject) between 1 and 500),
  app_installation_id uuid,
  purpose text not null check (length(purpose) between 1 and 500),
  scopes text[] not null,
  evidence text not null,
  given_at timestamptz not null,
  expires_at timestamptz,
  withdrawn_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, app_installation_id) references control_plane.app_installations,
  check (withdrawn_at >= given_at),
  check (expires_at > given_at)
);
comment on table control_plane.consents is 'A person agreed that data is used for a purpose. It ends by withdrawal, never by deletion.';
comment on column control_plane.consents.evidence is 'What was shown and answered, as canonical JSON.';
create unique index consents_standing on control_plane.consents
  (tenant_id, subject, app_installation_id, purpose) nulls not distinct where withdrawn_at is null;
select ops.touch_updated_at('control_plane.consents');
select ops.protect_tenant('control_plane.consents');
select ops.grant_read('control_plane.consents');
grant insert on control_plane.consents to sealbase_writer;
grant update (withdrawn_at, expires_at) on control_plane.consents to sealbase_writer;

create table control_plane.automation_flows (
  tenant_id uuid not null references control_plane.projects,
  id uuid not null,
  name text not null check (length(name) between 1 and 120),
  status text not null default 'draft' check (status in ('draft', 'active', 'paused', 'retired')),
  trigger_event text not null check (length(trigger_event) between 1 and 200),
  definition text not null,
  definition_hash bytea not null check (length(definition_hash) = 32),
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, name)
);
comment on table control_plane.automation_flows is 'What happens by itself after an event; each step is a call of its own and is decided and sealed like any other.';
comment on column control_plane.automation_flows.definition is 'Canonical JSON (RFC 8785) of the steps, hashed as stored.';
create index automation_flows_trigger on control_plane.automation_flows (tenant_id, trigger_event) where status = 'active';
select ops.touch_updated_at('control_plane.automation_flows');
select ops.protect_tenant('control_plane.automation_flows');
select ops.grant_write('control_plane.automation_flows');

-- The names of the earlier schema, for readers that still use them: its tenant is our organization.
create view control_plane.tenants with (security_invoker = true) as
  select id, name, slug, created_at, updated_at from control_plane.organizations;
comment on view control_plane.tenants is 'Earlier name of organizations.';
select ops.grant_read('control_plane.tenants');

create view control_plane.workspaces with (security_invoker = true) as
  select id, organization_id as tenant_id, name, slug, created_at, updated_at from control_plane.projects;
comment on view control_plane.workspaces is 'Earlier name of projects.';
select ops.grant_read('control_plane.workspaces');

create view control_plane.api_credentials with (security_invoker = true) as
  select k.id, p.organization_id as tenant_id, k.tenant_id as workspace_id, k.service_account_id, k.name,
         k.prefix as key_prefix, k.key_hash, k.expires_at, k.revoked_at, k.created_by, k.created_at, k.updated_at
    from control_plane.api_keys k join control_plane.projects p on p.id = k.tenant_id;
comment on view control_plane.api_credentials is 'Earlier name of api_keys.';
select ops.grant_read('control_plane.api_credentials');
