-- One row per call: request, decision, trace, score, action and entry, whichever of its ids one starts from.
-- It runs with the rights of whoever asks, so a project sees its own calls only.
create or replace view telemetry.lineage with (security_invoker = true) as
select
  l.tenant_id,
  l.decision_id as id,
  l.request_id,
  l.operation,
  l.actor,
  l.outcome,
  l.code,
  l.subject_type,
  coalesce(l.subject_id, case when l.subject_type is not null then l.decision_id end) as subject_id,
  l.created_at,
  d.asked_by,
  d.outcome as decision,
  d.principal,
  d.action,
  d.resource_type,
  d.resource_id,
  d.context,
  d.reasons as policy_reasons,
  d.errors as policy_errors,
  d.policy_version_id,
  v.number as policy_version,
  encode(d.trace_hash, 'hex') as trace_hash,
  (select json_agg(json_build_object('policy_id', t.policy_id, 'effect', t.effect, 'outcome', t.outcome,
                                     'principal', t.principal_matches, 'resource', t.resource_matches,
                                     'conditions', t.conditions::json) order by t.number)
     from authz.policy_decision_trace_steps t
     where t.tenant_id = l.tenant_id and t.decision_id = l.decision_id) as trace,
  s.score,
  s.level,
  s.reasons as score_reasons,
  s.features,
  s.score_max,
  m.name as model,
  m.number as model_version,
  l.entry_id,
  coalesce(e.index, a.index) as entry_index,
  p.payload,
  case when p.payload is null then
    (select x.erasure_id from ledger.erasures x where x.tenant_id = l.tenant_id and x.entry_id = l.entry_id order by x.created_at limit 1)
  end as erased_by,
  a.id is not null as is_archived
from telemetry.event_links l
-- One row each, looked up by its key: as plain joins, tables that nobody has analyzed yet are read whole for one call.
left join lateral (
  select * from authz.policy_decisions d where d.tenant_id = l.tenant_id and d.id = l.decision_id limit 1) d on true
left join authz.policy_versions v on v.tenant_id = d.tenant_id and v.id = d.policy_version_id
left join lateral (
  select * from vedic.fraud_scores s where s.tenant_id = l.tenant_id and s.id = l.decision_id limit 1) s on true
left join vedic.model_versions m on m.id = s.model_version_id
left join lateral (
  select e.index from ledger.entries e where e.tenant_id = l.tenant_id and e.id = l.entry_id limit 1) e on true
left join lateral (
  select p.payload from ledger.payloads p where p.tenant_id = l.tenant_id and p.entry_id = l.entry_id limit 1) p on true
left join lateral (
  select a.id, a.index from ledger.archived a where a.tenant_id = l.tenant_id and a.id = l.entry_id limit 1) a on true;

comment on view telemetry.lineage is 'One row per call: request, decision, trace, score, action and entry.';

grant select on telemetry.lineage to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor;

-- Calls that an id belongs to: that of a decision, score, entry or call (one id), of a subject, or of a request.
create or replace function telemetry.calls_of(given text) returns setof uuid
  language sql stable parallel safe
  begin atomic
    select l.decision_id from telemetry.event_links l
      where l.tenant_id = (select ops.tenant()) and l.decision_id = ops.try_uuid(given)
    union
    select l.decision_id from telemetry.event_links l
      where l.tenant_id = (select ops.tenant()) and l.subject_id = ops.try_uuid(given)
    union
    select l.decision_id from telemetry.event_links l
      where l.tenant_id = (select ops.tenant()) and l.request_id = given;
  end;

revoke execute on function telemetry.calls_of(text) from public;
grant execute on function telemetry.calls_of(text) to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor;
