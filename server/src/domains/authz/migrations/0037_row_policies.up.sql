-- Row security of projects' own tables, as it was made of policies.
create table authz.row_policies (
  tenant_id uuid not null,
  id uuid not null,
  policy_version_id uuid not null,
  set text not null,
  action text not null,
  resource_type text not null,
  table_schema text not null,
  table_name text not null,
  command text not null check (command in ('select', 'insert', 'update', 'delete')),
  roles text[] not null,
  policy_name text not null,
  function_name text not null,
  body text not null,
  body_hash bytea not null check (length(body_hash) = 32),
  watched boolean not null,
  created_by text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, policy_version_id) references authz.policy_versions
);
comment on table authz.row_policies is
  'What row security of a project''s table should be, by a policy version. Of those with one policy name the last holds.';
comment on column authz.row_policies.policy_name is 'Holds a hash of the project: nobody else asks what stands under it.';
comment on column authz.row_policies.body is 'Of the function that the row policy calls; PostgreSQL keeps it as it is written, unlike the policy''s own text.';
comment on column authz.row_policies.body_hash is 'SHA-256 of the body: what is deployed is compared with it.';
comment on column authz.row_policies.watched is 'Whether the daily check tells when what is deployed is something else.';
create index row_policies_name on authz.row_policies (tenant_id, policy_name, id);
select ops.protect_tenant('authz.row_policies');
select ops.append_only('authz.row_policies');
select ops.grant_append('authz.row_policies');

insert into ops.schedules (tenant_id, topic, every_s, enabled, next_at)
select p.id, 'authz.row-policies', 86400, true, now() + interval '1 day' from control_plane.projects p
on conflict do nothing;
