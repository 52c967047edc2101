create table ledger.heads (
  tenant_id uuid primary key,
  origin text not null unique,
  size bigint not null default 0 check (size >= 0),
  hashes bytea[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table ledger.heads is 'One log per project: how long it is, and the compact range (RFC 9162) that its next leaf extends.';
comment on column ledger.heads.hashes is 'Roots of the perfect subtrees, largest first: at most 64.';
select ops.touch_updated_at('ledger.heads');
select ops.protect_tenant('ledger.heads');
select ops.grant_read('ledger.heads');
grant insert, update on ledger.heads to sealbase_writer;

create table ledger.pending (
  tenant_id uuid not null,
  id uuid not null,
  entry bytea not null,
  primary key (tenant_id, id)
);
comment on table ledger.pending is 'Entries that are durable but have no place in the log yet. The sequencer empties it.';
alter table ledger.pending set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                                autovacuum_vacuum_cost_delay = 0);
select ops.protect_tenant('ledger.pending');
select ops.grant_read('ledger.pending');
grant insert, delete on ledger.pending to sealbase_writer;

create table ledger.entries (
  tenant_id uuid not null,
  index bigint not null check (index >= 0),
  id uuid not null,
  entry bytea not null check (length(entry) <= 65535),
  primary key (tenant_id, index),
  unique (tenant_id, id)
);
comment on table ledger.entries is 'The log: canonical bytes of each entry, as hashed. Its leaf hash is SHA-256(0x00, entry).';
select ops.protect_tenant('ledger.entries');
select ops.append_only('ledger.entries');
select ops.grant_append('ledger.entries');

create table ledger.payloads (
  tenant_id uuid not null,
  entry_id uuid not null,
  salt bytea not null check (length(salt) = 32),
  payload text not null,
  primary key (tenant_id, entry_id)
);
comment on table ledger.payloads is 'What an entry is about. The entry holds its salted hash, so a payload can be erased and every proof still holds.';
select ops.protect_tenant('ledger.payloads');
select ops.append_only('ledger.payloads');
select ops.grant_append('ledger.payloads');

create table ledger.tiles (
  tenant_id uuid not null,
  level smallint not null check (level between 0 and 7),
  index bigint not null check (index >= 0),
  hashes bytea not null check (length(hashes) = 8192),
  primary key (tenant_id, level, index)
);
comment on table ledger.tiles is 'Full tiles of 256 hashes (c2sp.org/tlog-tiles); partial ones are computed.';
select ops.protect_tenant('ledger.tiles');
select ops.append_only('ledger.tiles');
select ops.grant_append('ledger.tiles');

create table ledger.checkpoints (
  tenant_id uuid not null,
  size bigint not null check (size >= 0),
  root bytea not null check (length(root) = 32),
  note text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, size)
);
comment on table ledger.checkpoints is 'Signed heads (c2sp.org/tlog-checkpoint), each published after its entries were durable.';
select ops.protect_tenant('ledger.checkpoints');
select ops.append_only('ledger.checkpoints');
select ops.grant_append('ledger.checkpoints');

-- The sequencer looks across projects for work, and sees nothing but which logs have some.
create function ledger.logs_with_work() returns setof uuid
  language sql stable security definer set search_path = ''
  begin atomic
    select h.tenant_id from ledger.heads h
    where exists (select from ledger.pending p where p.tenant_id = h.tenant_id)
       or h.size <> coalesce((select max(c.size) from ledger.checkpoints c where c.tenant_id = h.tenant_id), -1);
  end;
revoke execute on function ledger.logs_with_work() from public;
grant execute on function ledger.logs_with_work() to sealbase_writer;
