-- sealbase: loses-data authz.policy_schemas
alter table authz.policy_versions
  drop column validated_at,
  drop column base,
  drop column cedar,
  drop column schema_hash,
  drop column own_schema,
  drop column source;
drop table authz.policy_schemas;
