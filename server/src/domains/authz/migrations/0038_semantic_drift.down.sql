-- sealbase: loses-data authz.policy_activations, authz.drift_findings
alter table authz.drift_findings disable trigger user;
delete from authz.drift_findings where kind = 'meaning_changed';
alter table authz.drift_findings enable trigger user;
alter table authz.drift_findings
  drop constraint drift_findings_policy_set_check,
  drop constraint drift_findings_once,
  drop constraint drift_findings_kind_check,
  add constraint drift_findings_kind_check
    check (kind in ('rate_changed', 'first_allowed', 'first_denied', 'mix_moved', 'cells_left_out')),
  add unique nulls not distinct (tenant_id, day, kind, cell_hash),
  drop column policy_set;
drop table authz.policy_activations;
