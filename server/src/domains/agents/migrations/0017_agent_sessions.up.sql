create table control_plane.agent_sessions (
  tenant_id uuid not null,
  id uuid not null,
  service_account_id uuid not null,
  api_key_id uuid not null,
  name text not null check (length(name) between 1 and 100),
  prefix text not null check (prefix ~ '^[0-9a-z]{12}$'),
  key_hash bytea not null check (length(key_hash) = 32),
  writes text[] not null check (cardinality(writes) <= 100),
  calls_max int not null check (calls_max between 1 and 1000000),
  calls_used int not null default 0 check (calls_used between 0 and calls_max),
  expires_at timestamptz not null,
  ended_at timestamptz,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
comment on table control_plane.agent_sessions is 'What a program that decides for itself may do in somebody''s name: some writes, so many calls, until then.';
comment on column control_plane.agent_sessions.api_key_id is 'That it was made with: who revokes the key ends the session.';
comment on column control_plane.agent_sessions.writes is 'Names of operations, or dotted beginnings of them; reads are what the policies allow.';
create unique index agent_sessions_prefix on control_plane.agent_sessions (prefix);
select ops.touch_updated_at('control_plane.agent_sessions');
select ops.protect_tenant('control_plane.agent_sessions');
grant select (tenant_id, id, service_account_id, api_key_id, name, prefix, writes, calls_max, calls_used, expires_at, ended_at, created_by, created_at, updated_at)
  on control_plane.agent_sessions to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor;
grant insert on control_plane.agent_sessions to sealbase_writer;
grant update (calls_used, ended_at) on control_plane.agent_sessions to sealbase_writer;

create table control_plane.approvals (
  tenant_id uuid not null,
  id uuid not null,
  agent_session_id uuid not null,
  operation text not null,
  input text not null,
  input_hash bytea not null check (length(input_hash) = 32),
  decision_id uuid not null,
  status text not null default 'waiting' check (status in ('waiting', 'granted', 'refused', 'used')),
  expires_at timestamptz not null,
  decided_by text,
  reason text check (length(reason) <= 1000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  check ((status = 'waiting') = (decided_by is null))
);
comment on table control_plane.approvals is 'A call that an agent asked for and a person has to allow: this operation with this very input, once.';
create unique index approvals_open on control_plane.approvals (tenant_id, agent_session_id, operation, input_hash)
  where status in ('waiting', 'granted');
select ops.touch_updated_at('control_plane.approvals');
select ops.protect_tenant('control_plane.approvals');
select ops.grant_read('control_plane.approvals');
grant insert on control_plane.approvals to sealbase_writer;
grant update (status, decided_by, reason, expires_at, decision_id) on control_plane.approvals to sealbase_writer;
