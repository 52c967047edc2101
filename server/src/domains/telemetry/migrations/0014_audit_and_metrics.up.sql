create table telemetry.audit_events (
  tenant_id uuid not null,
  id uuid not null,
  actor text not null,
  action text not null,
  subject_type text,
  subject_id text,
  request_id text,
  decision_id uuid,
  facts text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id)
) partition by range (id);
comment on table telemetry.audit_events is 'Who did what to what, for people who check: administration, sign-in, exports.';
comment on column telemetry.audit_events.facts is 'Canonical JSON.';
create index audit_events_subject on telemetry.audit_events (tenant_id, subject_type, subject_id);
create index audit_events_actor on telemetry.audit_events (tenant_id, actor);
select ops.partition_monthly('telemetry.audit_events');
select ops.protect_tenant('telemetry.audit_events');
select ops.append_only('telemetry.audit_events');
select ops.grant_append('telemetry.audit_events');

create table telemetry.metrics (
  tenant_id uuid not null,
  id uuid not null,
  name text not null check (name ~ '^[a-z][a-z0-9_]{0,120}$'),
  value double precision not null,
  source text,
  labels jsonb not null default '{}' check (jsonb_typeof(labels) = 'object'),
  created_at timestamptz not null,
  primary key (tenant_id, id)
) partition by range (id);
comment on table telemetry.metrics is 'Measurements of relays, meshes and defences. The unit is the last word of the name.';
create index metrics_name on telemetry.metrics (tenant_id, name, id);
select ops.partition_monthly('telemetry.metrics');
select ops.protect_tenant('telemetry.metrics');
select ops.append_only('telemetry.metrics');
select ops.grant_append('telemetry.metrics');

-- Materialized views know no row-level security, so nobody may read them; the views over them filter by project.
create materialized view telemetry.decisions_daily_all as
  select tenant_id, (created_at at time zone 'utc')::date as day, outcome, count(*) as decisions
    from authz.policy_decisions group by 1, 2, 3;
comment on materialized view telemetry.decisions_daily_all is 'Policy decisions by UTC day and outcome, of all projects.';
create unique index decisions_daily_all_key on telemetry.decisions_daily_all (tenant_id, day, outcome);

create view telemetry.decisions_daily with (security_barrier = true) as
  select tenant_id, day, outcome, decisions from telemetry.decisions_daily_all
   where tenant_id = (select ops.tenant());
comment on view telemetry.decisions_daily is 'Policy decisions by UTC day and outcome, as of the last refresh.';
select ops.grant_read('telemetry.decisions_daily');

create materialized view telemetry.scores_daily_all as
  select tenant_id, (created_at at time zone 'utc')::date as day, level, count(*) as scores,
         count(*) filter (where refused) as refused, max(score) as score_max, avg(score)::numeric(6, 5) as score_mean
    from vedic.fraud_scores group by 1, 2, 3;
comment on materialized view telemetry.scores_daily_all is 'Scores by UTC day and level, of all projects.';
create unique index scores_daily_all_key on telemetry.scores_daily_all (tenant_id, day, level);

create view telemetry.scores_daily with (security_barrier = true) as
  select tenant_id, day, level, scores, refused, score_max, score_mean from telemetry.scores_daily_all
   where tenant_id = (select ops.tenant());
comment on view telemetry.scores_daily is 'Scores by UTC day and level, as of the last refresh.';
select ops.grant_read('telemetry.scores_daily');
