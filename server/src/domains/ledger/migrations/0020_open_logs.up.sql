create table ledger.openings (
  tenant_id uuid primary key,
  readers text not null check (readers in ('none', 'hashes', 'entries')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table ledger.openings is 'What a project shows of its log to who has no key; without a row: nothing.';
comment on column ledger.openings.readers is 'none; hashes: checkpoints, tiles and proofs; entries: bundles, too.';
select ops.touch_updated_at('ledger.openings');
select ops.protect_tenant('ledger.openings');
select ops.grant_read('ledger.openings');
grant insert, update on ledger.openings to sealbase_writer;
