create table authz.policy_schemas (
  tenant_id uuid not null,
  hash bytea not null check (length(hash) = 32),
  schema text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, hash)
);
comment on table authz.policy_schemas is 'What the policies of versions may name: the platform''s schema with the project''s own, in Cedar''s JSON form, by content hash.';
comment on column authz.policy_schemas.schema is 'Canonical JSON (RFC 8785), hashed as stored.';
select ops.protect_tenant('authz.policy_schemas');
select ops.append_only('authz.policy_schemas');
select ops.grant_append('authz.policy_schemas');

alter table authz.policy_versions
  add column source text,
  add column own_schema text,
  add column schema_hash bytea,
  add column cedar text,
  add column base int check (base >= 0),
  add column validated_at timestamptz,
  add foreign key (tenant_id, schema_hash) references authz.policy_schemas;
comment on column authz.policy_versions.source is 'The policies as their author wrote them, comments included; null when they came as JSON.';
comment on column authz.policy_versions.own_schema is 'The project''s part of the schema as its author wrote it; null when there is none.';
comment on column authz.policy_versions.cedar is 'Version of Cedar that read and validated it: verdicts of its validator change between versions.';
comment on column authz.policy_versions.base is 'Number of the version that was active when its author began; 0 when none was.';
grant update (validated_at) on authz.policy_versions to sealbase_writer;
