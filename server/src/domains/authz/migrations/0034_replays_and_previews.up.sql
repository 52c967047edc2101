create table authz.replay_disagreements (
  tenant_id uuid not null,
  id uuid not null,
  job_id uuid not null,
  decision_id uuid not null,
  engine text not null,
  expected_outcome text not null check (expected_outcome in ('allow', 'deny')),
  found_outcome text not null check (found_outcome in ('allow', 'deny')),
  expected_hash bytea not null check (length(expected_hash) = 32),
  found_hash bytea not null check (length(found_hash) = 32),
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
comment on table authz.replay_disagreements is
  'Decisions that came out otherwise when they were decided again from what is kept: something of it is not what it was.';
comment on column authz.replay_disagreements.expected_hash is 'The trace hash that stood with the decision when it was replayed.';
create index replay_disagreements_job on authz.replay_disagreements (tenant_id, job_id, id);
select ops.protect_tenant('authz.replay_disagreements');
select ops.append_only('authz.replay_disagreements');
select ops.grant_append('authz.replay_disagreements');

create table authz.policy_previews (
  tenant_id uuid not null,
  id uuid not null,
  policy_version_id uuid not null,
  version_hash bytea not null check (length(version_hash) = 32),
  base int check (base > 0),
  report text not null,
  report_hash bytea not null check (length(report_hash) = 32),
  created_by text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, policy_version_id) references authz.policy_versions
);
comment on table authz.policy_previews is 'What a policy version would have changed about recorded decisions, as somebody was shown it before it was activated.';
comment on column authz.policy_previews.id is 'That of the call, and of its decision.';
comment on column authz.policy_previews.base is 'Number of the version that was active when it began; null when none was.';
comment on column authz.policy_previews.report is
  'Canonical JSON (RFC 8785), hashed as stored; its hash is sealed. It names decisions and nobody whom they are about, so that an erasure reaches them.';
create index policy_previews_version on authz.policy_previews (tenant_id, policy_version_id, id);
select ops.protect_tenant('authz.policy_previews');
select ops.append_only('authz.policy_previews');
select ops.grant_append('authz.policy_previews');
