create table ledger.key_rollovers (
  tenant_id uuid not null,
  number int not null check (number > 1),
  previous_key text not null,
  next_key text not null check (next_key <> previous_key),
  entry_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, number),
  unique (tenant_id, entry_id)
);
comment on table ledger.key_rollovers is 'Which key of a log follows which. The entry names both; the older key signs a checkpoint that covers it.';
comment on column ledger.key_rollovers.number is 'Of the key that follows: the version of the signing key.';
select ops.protect_tenant('ledger.key_rollovers');
select ops.append_only('ledger.key_rollovers');
select ops.grant_append('ledger.key_rollovers');
