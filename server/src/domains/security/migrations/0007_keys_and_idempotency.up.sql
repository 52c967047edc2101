create table security.signing_keys (
  tenant_id uuid not null,
  id uuid not null,
  name text not null,
  purpose text not null check (purpose in ('log', 'token')),
  algorithm text not null check (algorithm in ('ed25519')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, purpose, name)
);
comment on table security.signing_keys is 'What a project signs with; the key itself is a version.';
select ops.touch_updated_at('security.signing_keys');
select ops.protect_tenant('security.signing_keys');
select ops.grant_read('security.signing_keys');
grant insert, update on security.signing_keys to sealbase_writer;

create table security.signing_key_versions (
  tenant_id uuid not null,
  signing_key_id uuid not null,
  number int not null check (number > 0),
  public_key bytea not null check (length(public_key) = 32),
  sealed_private_key bytea not null,
  is_current boolean not null,
  valid_from timestamptz not null default now(),
  valid_to timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, signing_key_id, number),
  foreign key (tenant_id, signing_key_id) references security.signing_keys
);
comment on table security.signing_key_versions is 'The keys of a signing key over time: one is current, the others still verify.';
comment on column security.signing_key_versions.sealed_private_key is
  'AES-256-GCM under the master key: 12 bytes nonce, ciphertext, 16 bytes tag.';
create unique index signing_key_versions_current on security.signing_key_versions (tenant_id, signing_key_id) where is_current;
select ops.touch_updated_at('security.signing_key_versions');
select ops.protect_tenant('security.signing_key_versions');
-- Only the server's writer reads private keys, sealed as they are; everyone else sees the public half.
grant select, insert on security.signing_key_versions to sealbase_writer;
grant update (is_current, valid_to) on security.signing_key_versions to sealbase_writer;
grant select (tenant_id, signing_key_id, number, public_key, is_current, valid_from, valid_to)
  on security.signing_key_versions to sealbase_reader, sealbase_analyst, sealbase_auditor;

create table ops.idempotency_keys (
  tenant_id uuid not null,
  principal text not null,
  key text not null check (length(key) between 1 and 200),
  request_hash bytea not null check (length(request_hash) = 32),
  decision_id uuid not null,
  status smallint not null,
  answer text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, principal, key)
);
comment on table ops.idempotency_keys is 'Answers of calls by Idempotency-Key, written in the transaction of the action itself.';
select ops.touch_updated_at('ops.idempotency_keys');
select ops.protect_tenant('ops.idempotency_keys');
select ops.grant_write('ops.idempotency_keys');
