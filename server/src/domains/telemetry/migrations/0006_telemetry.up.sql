create table telemetry.security_events (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  actor text not null,
  request_id text not null,
  decision_id uuid,
  facts text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id)
) partition by range (id);
comment on table telemetry.security_events is 'What someone responsible for security should see: denials, risky calls, forged and revoked keys, incidents.';
create index security_events_decision on telemetry.security_events (tenant_id, decision_id);
select ops.partition_monthly('telemetry.security_events');
select ops.protect_tenant('telemetry.security_events');
select ops.append_only('telemetry.security_events');
select ops.grant_append('telemetry.security_events');

create table telemetry.event_links (
  tenant_id uuid not null,
  decision_id uuid not null,
  request_id text not null,
  operation text not null,
  actor text not null,
  outcome text not null check (outcome in ('done', 'refused', 'read')),
  code text,
  subject_type text,
  subject_id uuid,
  entry_id uuid,
  created_at timestamptz not null,
  primary key (tenant_id, decision_id)
) partition by range (decision_id);
comment on table telemetry.event_links is 'One row per call ties its request, decision, score, subject and entry together.';
create index event_links_request on telemetry.event_links (tenant_id, request_id);
create index event_links_subject on telemetry.event_links (tenant_id, subject_id) where subject_id is not null;
select ops.partition_monthly('telemetry.event_links');
select ops.protect_tenant('telemetry.event_links');
select ops.append_only('telemetry.event_links');
select ops.grant_append('telemetry.event_links');
