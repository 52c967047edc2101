-- sealbase: loses-data authz.policy_versions
alter table authz.policy_versions
  drop column quarantined_because,
  drop column quarantined_at;
