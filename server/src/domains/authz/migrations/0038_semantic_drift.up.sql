-- Which version decided when, and findings about what versions come to together.
create table authz.policy_activations (
  tenant_id uuid not null,
  policy_set_id uuid not null,
  number int not null check (number > 0),
  id uuid not null,
  policy_version_id uuid not null,
  primary key (tenant_id, policy_set_id, number),
  foreign key (tenant_id, policy_set_id) references authz.policy_sets,
  foreign key (tenant_id, policy_version_id) references authz.policy_versions
);
comment on table authz.policy_activations is
  'From when on which version of a set decided, in their order. A version that is activated again has another row; its own row tells of the last time only.';
comment on column authz.policy_activations.id is 'UUIDv7: its time is when, by the clock that decisions'' ids are made by.';
create index policy_activations_id on authz.policy_activations (tenant_id, policy_set_id, id);
create index policy_activations_version on authz.policy_activations (tenant_id, policy_version_id);
select ops.protect_tenant('authz.policy_activations');
select ops.append_only('authz.policy_activations');
select ops.grant_append('authz.policy_activations');
-- Nobody takes away what findings are compared with.
revoke delete on authz.policy_activations from sealbase_retention;
-- As far as it is known: of a version that was activated twice, the last time.
insert into authz.policy_activations (tenant_id, policy_set_id, number, id, policy_version_id)
select v.tenant_id, v.policy_set_id, row_number() over (partition by v.tenant_id, v.policy_set_id order by v.activated_at, v.number),
  ops.uuid_floor(v.activated_at), v.id
from authz.policy_versions v where v.activated_at is not null;

alter table authz.drift_findings
  add column policy_set text,
  drop constraint drift_findings_kind_check,
  add constraint drift_findings_kind_check
    check (kind in ('rate_changed', 'first_allowed', 'first_denied', 'mix_moved', 'cells_left_out', 'meaning_changed')),
  drop constraint drift_findings_tenant_id_day_kind_cell_hash_key,
  add constraint drift_findings_once unique nulls not distinct (tenant_id, day, kind, cell_hash, policy_set),
  add constraint drift_findings_policy_set_check check ((kind = 'meaning_changed') = (policy_set is not null));
comment on column authz.drift_findings.policy_set is 'Whose versions decide otherwise; null when it is about what was decided.';
