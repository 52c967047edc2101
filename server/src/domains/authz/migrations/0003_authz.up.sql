create table authz.policy_sets (
  tenant_id uuid not null,
  id uuid not null,
  name text not null check (length(name) between 1 and 120),
  tier text not null default 'T1' check (tier in ('T1', 'T2', 'T3', 'T4')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, name)
);
comment on table authz.policy_sets is 'A named set of policies of a project; what decides is its active version.';
select ops.touch_updated_at('authz.policy_sets');
select ops.protect_tenant('authz.policy_sets');
select ops.grant_read('authz.policy_sets');
grant insert, update on authz.policy_sets to sealbase_writer;

create table authz.policy_versions (
  tenant_id uuid not null,
  id uuid not null,
  policy_set_id uuid not null,
  number int not null check (number > 0),
  status text not null check (status in ('draft', 'validated', 'active', 'retired')),
  document text not null,
  document_hash bytea not null check (length(document_hash) = 32),
  engine text not null,
  created_by text not null,
  activated_at timestamptz,
  retired_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, policy_set_id, number),
  foreign key (tenant_id, policy_set_id) references authz.policy_sets
);
comment on table authz.policy_versions is 'The text of a policy set at one time, with the evaluator it was written for.';
comment on column authz.policy_versions.document is 'Canonical JSON (RFC 8785) of the policies, hashed as stored.';
create unique index policy_versions_active on authz.policy_versions (tenant_id, policy_set_id) where status = 'active';
select ops.touch_updated_at('authz.policy_versions');
select ops.protect_tenant('authz.policy_versions');
select ops.grant_read('authz.policy_versions');
grant insert on authz.policy_versions to sealbase_writer;
-- Only its way through the states changes; what it says never does.
grant update (status, activated_at, retired_at) on authz.policy_versions to sealbase_writer;

create table authz.entity_slices (
  tenant_id uuid not null,
  hash bytea not null check (length(hash) = 32),
  slice text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, hash)
);
comment on table authz.entity_slices is 'What a decision knew about its principal and resource, by content hash, so that replay needs no live data.';
select ops.protect_tenant('authz.entity_slices');
select ops.append_only('authz.entity_slices');
select ops.grant_append('authz.entity_slices');

create table authz.policy_decisions (
  tenant_id uuid not null,
  id uuid not null,
  asked_by uuid,
  request_id text not null,
  operation text not null,
  principal text not null,
  action text not null,
  resource_type text not null,
  resource_id text not null,
  context text not null,
  outcome text not null check (outcome in ('allow', 'deny')),
  policy_version_id uuid,
  engine text not null,
  entity_slice_hash bytea not null,
  reasons text[] not null,
  errors text[] not null,
  trace_hash bytea not null check (length(trace_hash) = 32),
  created_at timestamptz not null,
  primary key (tenant_id, id)
) partition by range (id);
comment on table authz.policy_decisions is 'Every verdict: who wanted to do what, on which version, and why.';
comment on column authz.policy_decisions.asked_by is 'The decision of the call that asked; null when the decision is about the call itself.';
comment on column authz.policy_decisions.engine is 'Name and version of the evaluator that decided.';
comment on column authz.policy_decisions.policy_version_id is 'Null when the project had no active policy, which denies.';
select ops.partition_monthly('authz.policy_decisions');
select ops.protect_tenant('authz.policy_decisions');
select ops.append_only('authz.policy_decisions');
select ops.grant_append('authz.policy_decisions');

create table authz.policy_decision_trace_steps (
  tenant_id uuid not null,
  decision_id uuid not null,
  number int not null check (number >= 0),
  policy_id text not null,
  effect text not null check (effect in ('permit', 'forbid')),
  outcome text not null check (outcome in ('no_match', 'allow', 'deny', 'error')),
  principal_matches boolean not null,
  resource_matches boolean not null,
  conditions text not null,
  primary key (tenant_id, decision_id, number)
) partition by range (decision_id);
comment on table authz.policy_decision_trace_steps is 'How each policy in reach was weighed: scope and every condition, with the paths it read.';
comment on column authz.policy_decision_trace_steps.conditions is 'Canonical JSON (RFC 8785), as it is part of the trace hash.';
select ops.partition_monthly('authz.policy_decision_trace_steps');
select ops.protect_tenant('authz.policy_decision_trace_steps');
select ops.append_only('authz.policy_decision_trace_steps');
select ops.grant_append('authz.policy_decision_trace_steps');
