-- What a project's policies decided, day by day, and where that drifted.
create table authz.drift_windows (
  tenant_id uuid not null,
  id uuid not null,
  day date not null,
  revision int not null check (revision > 0),
  allowed bigint not null check (allowed >= 0),
  denied bigint not null check (denied >= 0),
  decisions bigint not null generated always as (allowed + denied) stored,
  errors bigint not null check (errors between 0 and allowed + denied),
  denied_errors bigint not null check (denied_errors between 0 and denied),
  first_allowed bigint not null check (first_allowed between 0 and allowed),
  first_denied bigint not null check (first_denied between 0 and denied),
  cells_left_out int not null check (cells_left_out >= 0),
  findings_left_out int not null check (findings_left_out >= 0),
  stats_hash bytea not null check (length(stats_hash) = 32),
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, day, revision)
);
comment on table authz.drift_windows is
  'The decisions of one day (UTC) of a project, counted. Decisions that came late make another revision; the last one holds.';
comment on column authz.drift_windows.stats_hash is 'SHA-256 over all that was counted: the same decisions give the same one.';
comment on column authz.drift_windows.first_allowed is 'Principals, actions and resource types that were allowed together for the first time.';
select ops.protect_tenant('authz.drift_windows');
select ops.append_only('authz.drift_windows');
select ops.grant_append('authz.drift_windows');

create table authz.drift_window_cells (
  tenant_id uuid not null,
  window_id uuid not null,
  cell_hash bytea not null check (length(cell_hash) = 32),
  cohort text not null,
  action text not null,
  resource_type text not null,
  allowed bigint not null check (allowed >= 0),
  denied bigint not null check (denied >= 0),
  errors bigint not null check (errors >= 0),
  primary key (tenant_id, window_id, cell_hash),
  foreign key (tenant_id, window_id) references authz.drift_windows
);
comment on table authz.drift_window_cells is 'What the principals of one type and one set of groups did to one type of resource in a window.';
comment on column authz.drift_window_cells.cell_hash is 'SHA-256 over cohort, action and resource type, which may be too long for a key.';
create index drift_window_cells_hash on authz.drift_window_cells (tenant_id, cell_hash);
select ops.protect_tenant('authz.drift_window_cells');
select ops.append_only('authz.drift_window_cells');
select ops.grant_append('authz.drift_window_cells');

create table authz.drift_first_uses (
  tenant_id uuid not null,
  tuple_hash bytea not null check (length(tuple_hash) = 32),
  outcome text not null check (outcome in ('allow', 'deny')),
  day date not null,
  decision_id uuid not null,
  primary key (tenant_id, tuple_hash, outcome, day)
);
comment on table authz.drift_first_uses is
  'The day on which a principal, an action and a resource type came together first. An earlier row, from a decision that came late, goes before a later one.';
comment on column authz.drift_first_uses.decision_id is 'The first such decision, which names all three.';
create index drift_first_uses_day on authz.drift_first_uses (tenant_id, day);
select ops.protect_tenant('authz.drift_first_uses');
select ops.append_only('authz.drift_first_uses');
select ops.grant_append('authz.drift_first_uses');

create table authz.drift_findings (
  tenant_id uuid not null,
  id uuid not null,
  window_id uuid not null,
  day date not null,
  kind text not null check (kind in ('rate_changed', 'first_allowed', 'first_denied', 'mix_moved', 'cells_left_out')),
  cell_hash bytea check (length(cell_hash) = 32),
  cohort text,
  action text,
  resource_type text,
  since date,
  facts text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique nulls not distinct (tenant_id, day, kind, cell_hash),
  foreign key (tenant_id, window_id) references authz.drift_windows,
  check (num_nulls(cell_hash, cohort, action, resource_type) in (0, 4))
);
comment on table authz.drift_findings is 'Where the decisions of a window are unlike those before. One kind is found once a day and cell, however often a window is counted.';
comment on column authz.drift_findings.since is 'First day of what is unlike before; later windows are compared with what was since.';
comment on column authz.drift_findings.facts is 'Canonical JSON (RFC 8785): what was measured.';
create index drift_findings_window on authz.drift_findings (tenant_id, window_id);
select ops.protect_tenant('authz.drift_findings');
select ops.append_only('authz.drift_findings');
select ops.grant_append('authz.drift_findings');

-- A point may stand for a window of decisions, too, and not only for one.
alter table vedic.policy_geometry rename column decision_id to subject_id;
alter table vedic.policy_geometry
  add column subject_type text not null default 'decision' check (subject_type in ('decision', 'drift_window'));
comment on table vedic.policy_geometry is
  'A policy decision, or the mix of a window of them, as a quaternion, by a model version, and how far it lies from a reference.';

insert into ops.schedules (tenant_id, topic, every_s, enabled, next_at)
select p.id, 'authz.drift', 86400, true, now() + interval '1 day' from control_plane.projects p
on conflict do nothing;
