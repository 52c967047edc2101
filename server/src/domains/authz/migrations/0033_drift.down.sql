-- sealbase: loses-data authz.drift_windows, authz.drift_window_cells, authz.drift_first_uses, authz.drift_findings
delete from ops.schedules where topic = 'authz.drift';
-- Only the windows' points go; those of decisions stay.
alter table vedic.policy_geometry disable trigger user;
delete from vedic.policy_geometry where subject_type = 'drift_window';
alter table vedic.policy_geometry enable trigger user;
alter table vedic.policy_geometry drop column subject_type;
alter table vedic.policy_geometry rename column subject_id to decision_id;
comment on table vedic.policy_geometry is 'A policy decision as a quaternion, by a model version, and how far it lies from a reference.';
drop table authz.drift_findings;
drop table authz.drift_first_uses;
drop table authz.drift_window_cells;
drop table authz.drift_windows;
