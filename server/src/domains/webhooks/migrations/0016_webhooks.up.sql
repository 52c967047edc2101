create table ops.webhooks (
  tenant_id uuid not null,
  id uuid not null,
  url text not null check (length(url) between 1 and 2000),
  channels text[] not null check (cardinality(channels) between 1 and 10),
  service_account_id uuid not null,
  secret_sealed bytea not null,
  previous_secret_sealed bytea,
  previous_until timestamptz,
  enabled boolean not null default true,
  position text not null check (position ~ '^\d+\.\d+$'),
  created_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  check ((previous_secret_sealed is null) = (previous_until is null))
);
comment on table ops.webhooks is 'Addresses that are told of a project''s events, each signed with a secret of its own.';
comment on column ops.webhooks.position is 'Offset up to which events have become delivery jobs; setting it back sends them again.';
comment on column ops.webhooks.service_account_id is 'Who made it: it hears of what this account may read.';
select ops.touch_updated_at('ops.webhooks');
select ops.protect_tenant('ops.webhooks');
select ops.grant_read('ops.webhooks');
-- The secrets are for whoever delivers.
revoke select on ops.webhooks from sealbase_reader, sealbase_analyst, sealbase_auditor;
grant select (tenant_id, id, url, channels, service_account_id, previous_until, enabled, position, created_by, created_at, updated_at)
  on ops.webhooks to sealbase_reader, sealbase_analyst, sealbase_auditor;
grant insert, delete on ops.webhooks to sealbase_writer;
grant update (url, channels, secret_sealed, previous_secret_sealed, previous_until, enabled, position) on ops.webhooks to sealbase_writer;
