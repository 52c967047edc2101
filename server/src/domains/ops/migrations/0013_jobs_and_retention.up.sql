create table ops.outbox (
  tenant_id uuid not null,
  id uuid not null,
  topic text not null check (length(topic) between 1 and 200),
  payload text not null,
  decision_id uuid,
  status text not null default 'waiting' check (status in ('waiting', 'running', 'done', 'given_up')),
  attempts int not null default 0 check (attempts >= 0),
  attempts_max int not null default 10 check (attempts_max > 0),
  due_at timestamptz not null default now(),
  leased_by text,
  leased_until timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  check ((status = 'running') = (leased_by is not null and leased_until is not null))
);
comment on table ops.outbox is
  'Work outside of the database, written in the transaction that wants it and done after it, at least once.';
comment on column ops.outbox.leased_until is 'A running job whose lease has passed is taken over: its worker is gone.';
create index outbox_open on ops.outbox (tenant_id, due_at) where status in ('waiting', 'running');
select ops.touch_updated_at('ops.outbox');
select ops.protect_tenant('ops.outbox');
select ops.grant_read('ops.outbox');
grant insert on ops.outbox to sealbase_writer;
grant update (status, attempts, due_at, leased_by, leased_until) on ops.outbox to sealbase_writer;
grant select, delete on ops.outbox to sealbase_retention;

create table ops.outbox_attempts (
  tenant_id uuid not null,
  outbox_id uuid not null,
  number int not null check (number > 0),
  worker text not null,
  outcome text check (outcome in ('done', 'failed', 'lease_lost')),
  error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, outbox_id, number),
  foreign key (tenant_id, outbox_id) references ops.outbox on delete cascade
);
comment on table ops.outbox_attempts is 'Each try of a job; an open outcome is a try under way or a worker that is gone.';
select ops.touch_updated_at('ops.outbox_attempts');
select ops.protect_tenant('ops.outbox_attempts');
select ops.grant_read('ops.outbox_attempts');
grant insert on ops.outbox_attempts to sealbase_writer;
grant update (outcome, error) on ops.outbox_attempts to sealbase_writer;

create table ops.inbox (
  tenant_id uuid not null,
  source text not null check (length(source) between 1 and 200),
  message_id text not null check (length(message_id) between 1 and 500),
  payload_hash bytea not null check (length(payload_hash) = 32),
  decision_id uuid,
  created_at timestamptz not null default now(),
  primary key (tenant_id, source, message_id)
);
comment on table ops.inbox is 'Messages that were taken in, by the sender''s own id, so that a repeated one has no effect twice.';
select ops.protect_tenant('ops.inbox');
select ops.append_only('ops.inbox');
select ops.grant_append('ops.inbox');

create table ops.replay_checkpoints (
  tenant_id uuid not null,
  name text not null check (length(name) between 1 and 200),
  last_id uuid,
  last_index bigint check (last_index >= 0),
  state jsonb not null default '{}' check (jsonb_typeof(state) = 'object'),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, name),
  check (num_nonnulls(last_id, last_index) = 1)
);
comment on table ops.replay_checkpoints is 'How far a replay, a backfill or an ingest has come.';
select ops.touch_updated_at('ops.replay_checkpoints');
select ops.protect_tenant('ops.replay_checkpoints');
select ops.grant_write('ops.replay_checkpoints');

create table ops.retention_policies (
  tenant_id uuid not null,
  id uuid not null,
  table_name text not null check (table_name ~ '^[a-z_]+\.[a-z_]+$'),
  keep_days int not null check (keep_days between 1 and 36500),
  action text not null default 'delete' check (action in ('delete', 'archive')),
  enabled boolean not null default true,
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, table_name)
);
comment on table ops.retention_policies is 'How long a project keeps the rows of a table; without one, for ever.';
select ops.touch_updated_at('ops.retention_policies');
select ops.protect_tenant('ops.retention_policies');
select ops.grant_write('ops.retention_policies');
grant select on ops.retention_policies to sealbase_retention;

create table ops.retention_runs (
  tenant_id uuid not null,
  id uuid not null,
  retention_policy_id uuid not null,
  table_name text not null,
  rows_before timestamptz not null,
  rows_removed bigint not null check (rows_removed >= 0),
  outcome text not null check (outcome in ('done', 'failed')),
  error text,
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
comment on table ops.retention_runs is 'What retention took away. A run outlives the policy that it followed.';
comment on column ops.retention_runs.rows_before is 'Rows older than this were removed.';
create index retention_runs_policy on ops.retention_runs (tenant_id, retention_policy_id);
select ops.protect_tenant('ops.retention_runs');
select ops.append_only('ops.retention_runs');
select ops.grant_append('ops.retention_runs');
-- Nobody takes away the record of what was taken away.
revoke delete on ops.retention_runs from sealbase_retention;
grant insert on ops.retention_runs to sealbase_retention;
