-- sealbase: loses-data authz.policy_sets, authz.policy_versions, authz.entity_slices, authz.policy_decisions, authz.policy_decision_trace_steps
drop table authz.policy_decision_trace_steps;
drop table authz.policy_decisions;
drop table authz.entity_slices;
drop table authz.policy_versions;
drop table authz.policy_sets;
