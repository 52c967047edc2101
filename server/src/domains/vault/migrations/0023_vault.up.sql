-- The ledger of format v1: sealed verdicts in a chain of hashes, with the Merkle root of all at each.
create schema vault;
grant usage on schema vault to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor, sealbase_retention;

create table vault.heads (
  tenant_id uuid primary key,
  sequence bigint not null default 0 check (sequence >= 0),
  size bigint not null default 0 check (size >= 0),
  entry_hash bytea not null check (length(entry_hash) = 32),
  merkle_root bytea not null check (length(merkle_root) = 32),
  subtrees bytea[] not null default '{}',
  import_until bigint check (import_until > 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table vault.heads is 'One a project, made by its first seal: what the next entry goes on from. Sealing locks it, so that no chain forks.';
comment on column vault.heads.subtrees is 'Roots of the complete subtrees of format v1, largest first: one for each bit of size.';
comment on column vault.heads.import_until is 'While an import is under way, the sequence of its last entry; nothing is sealed meanwhile.';
select ops.touch_updated_at('vault.heads');
select ops.protect_tenant('vault.heads');
select ops.grant_read('vault.heads');
grant insert on vault.heads to sealbase_writer;
grant update (sequence, size, entry_hash, merkle_root, subtrees, import_until) on vault.heads to sealbase_writer;

create table vault.entries (
  tenant_id uuid not null,
  sequence bigint not null check (sequence > 0),
  leaf_index bigint not null check (leaf_index >= 0),
  seal_id uuid not null,
  session_id text not null check (length(session_id) <= 1000),
  verdict text not null check (verdict in ('SEAL', 'VOID', 'SABAR', 'PARTIAL', '888_HOLD', 'HOLD-888')),
  sealed_at timestamptz not null,
  canonical text not null check (length(canonical) <= 1048576),
  entry_hash bytea not null check (length(entry_hash) = 32),
  prev_hash bytea not null check (length(prev_hash) = 32),
  merkle_root bytea not null check (length(merkle_root) = 32),
  call_id uuid not null,
  primary key (tenant_id, sequence),
  unique (tenant_id, leaf_index),
  unique (tenant_id, entry_hash),
  unique (tenant_id, prev_hash)
);
comment on table vault.entries is 'Sealed verdicts. entry_hash is SHA-256 of canonical, the text as it was hashed; the other columns repeat what is in it, to be found by.';
comment on column vault.entries.sequence is 'Rises; an imported ledger may have left numbers out. leaf_index counts without gaps.';
comment on column vault.entries.verdict is 'HOLD-888 is an older spelling of 888_HOLD, in imported entries only.';
comment on column vault.entries.call_id is 'The call that put it here, and so the entry of the project''s log that seals it.';
create index entries_session on vault.entries (tenant_id, session_id, sequence);
create index entries_verdict on vault.entries (tenant_id, verdict, sequence);
create index entries_call on vault.entries (tenant_id, call_id);
create index entries_verdict_time on vault.entries (tenant_id, verdict, sealed_at);
select ops.protect_tenant('vault.entries');
select ops.append_only('vault.entries');
select ops.grant_append('vault.entries');

create table vault.imported_files (
  tenant_id uuid not null,
  sequence bigint not null,
  file_name text not null check (length(file_name) between 1 and 255),
  file_hash bytea not null check (length(file_hash) = 32),
  primary key (tenant_id, sequence),
  unique (tenant_id, file_name),
  foreign key (tenant_id, sequence) references vault.entries
);
comment on table vault.imported_files is 'Which file an imported entry came from, and the SHA-256 of its bytes.';
select ops.protect_tenant('vault.imported_files');
select ops.append_only('vault.imported_files');
select ops.grant_append('vault.imported_files');
