create function ledger.every_length(items bytea[], bytes int) returns boolean
  language sql immutable parallel safe set search_path = ''
  return coalesce((select bool_and(length(item) = bytes) from unnest(items) item), true);
revoke execute on function ledger.every_length(bytea[], int) from public;
grant execute on function ledger.every_length(bytea[], int) to sealbase_writer;

create table ledger.alias_maintainer_sets (
  tenant_id uuid not null,
  id uuid not null,
  alias text not null check (length(alias) between 1 and 200),
  number int not null check (number > 0),
  maintainers bytea[] not null check (ledger.every_length(maintainers, 32)),
  min_signers smallint not null default 2 check (min_signers >= 2),
  rotation_signatures bytea[] not null default '{}' check (ledger.every_length(rotation_signatures, 64)),
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, alias, number),
  check (cardinality(maintainers) >= min_signers),
  -- The first set is signed by nobody; each later one by exactly two maintainers of the set before.
  check (cardinality(rotation_signatures) = case number when 1 then 0 else 2 end)
);
comment on table ledger.alias_maintainer_sets is 'Who may vouch for an alias, from one rotation to the next; the greatest number is current.';
comment on column ledger.alias_maintainer_sets.maintainers is 'Ed25519 public keys.';
select ops.protect_tenant('ledger.alias_maintainer_sets');
select ops.append_only('ledger.alias_maintainer_sets');
select ops.grant_append('ledger.alias_maintainer_sets');

create table ledger.alias_records (
  tenant_id uuid not null,
  id uuid not null,
  alias text not null check (length(alias) between 1 and 200),
  node bytea not null check (length(node) = 20),
  seq bigint not null check (seq >= 0),
  signature bytea not null check (length(signature) = 64),
  signed_at timestamptz not null,
  record bytea not null,
  maintainer_set_id uuid not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, alias, seq),
  foreign key (tenant_id, maintainer_set_id) references ledger.alias_maintainer_sets
);
comment on table ledger.alias_records is 'An alias names a node. Final when enough maintainers of its set have endorsed it; the greatest final seq holds.';
comment on column ledger.alias_records.record is 'The signed bytes as received (deterministic CBOR).';
-- Records of one alias come one after the other, so that no smaller seq slips in beside a greater one.
create function ledger.raise_alias_seq() returns trigger
  language plpgsql set search_path = '' as $$
declare
  highest bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended(new.tenant_id::text || new.alias, 5));
  select max(r.seq) into highest from ledger.alias_records r where r.tenant_id = new.tenant_id and r.alias = new.alias;
  if new.seq <= highest then
    raise exception 'ALIAS_SEQ_REPLAY: % is at seq %, so % is too late', new.alias, highest, new.seq
      using errcode = 'check_violation';
  end if;
  return new;
end
$$;
revoke execute on function ledger.raise_alias_seq() from public;
create trigger raise_alias_seq before insert on ledger.alias_records
  for each row execute function ledger.raise_alias_seq();
select ops.protect_tenant('ledger.alias_records');
select ops.append_only('ledger.alias_records');
select ops.grant_append('ledger.alias_records');

create table ledger.alias_endorsements (
  tenant_id uuid not null,
  alias_record_id uuid not null,
  maintainer bytea not null check (length(maintainer) = 32),
  signature bytea not null check (length(signature) = 64),
  created_at timestamptz not null,
  primary key (tenant_id, alias_record_id, maintainer),
  foreign key (tenant_id, alias_record_id) references ledger.alias_records
);
comment on table ledger.alias_endorsements is 'A maintainer vouches for an alias record, once.';
select ops.protect_tenant('ledger.alias_endorsements');
select ops.append_only('ledger.alias_endorsements');
select ops.grant_append('ledger.alias_endorsements');

create table ledger.voucher_keysets (
  tenant_id uuid not null,
  id bytea not null check (length(id) = 32),
  curve text not null check (length(curve) between 1 and 60),
  public_keys bytea[] not null check (cardinality(public_keys) > 0),
  status text not null default 'announced' check (status in ('announced', 'active', 'retired')),
  valid_from timestamptz not null,
  valid_to timestamptz check (valid_to > valid_from),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
comment on table ledger.voucher_keysets is 'Public keys that vouchers are checked with. Vouchers themselves are bearer secrets and are never stored.';
select ops.touch_updated_at('ledger.voucher_keysets');
select ops.protect_tenant('ledger.voucher_keysets');
select ops.grant_read('ledger.voucher_keysets');
grant insert on ledger.voucher_keysets to sealbase_writer;
grant update (status, valid_to) on ledger.voucher_keysets to sealbase_writer;

create table ledger.payment_registry_records (
  tenant_id uuid not null,
  id uuid not null,
  number bigint not null check (number > 0),
  keyset_id bytea not null,
  record bytea not null,
  record_hash bytea not null check (length(record_hash) = 32),
  endorsers_total int not null check (endorsers_total >= 5),
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique (tenant_id, number),
  unique (tenant_id, record_hash),
  foreign key (tenant_id, keyset_id) references ledger.voucher_keysets
);
comment on table ledger.payment_registry_records is
  'A published curve and keyset. In force with at least 5 endorsements that are at least two thirds of endorsers_total.';
comment on column ledger.payment_registry_records.record is 'The endorsed bytes as received.';
select ops.protect_tenant('ledger.payment_registry_records');
select ops.append_only('ledger.payment_registry_records');
select ops.grant_append('ledger.payment_registry_records');

create table ledger.payment_registry_endorsements (
  tenant_id uuid not null,
  record_id uuid not null,
  endorser bytea not null check (length(endorser) = 32),
  algorithm text not null default 'ed25519' check (algorithm in ('ed25519')),
  signature bytea not null check (length(signature) = 64),
  created_at timestamptz not null,
  primary key (tenant_id, record_id, endorser),
  foreign key (tenant_id, record_id) references ledger.payment_registry_records
);
comment on table ledger.payment_registry_endorsements is 'An endorser signs SHA-256("BN-REG", record), once.';
select ops.protect_tenant('ledger.payment_registry_endorsements');
select ops.append_only('ledger.payment_registry_endorsements');
select ops.grant_append('ledger.payment_registry_endorsements');

create table ledger.forwarding_accounting (
  tenant_id uuid not null,
  id uuid not null,
  relay bytea not null check (length(relay) = 20),
  peer bytea check (length(peer) = 20),
  period_start timestamptz not null,
  period_end timestamptz not null check (period_end > period_start),
  forwarded_bytes bigint not null check (forwarded_bytes >= 0),
  charged_units bigint not null check (charged_units >= 0),
  keyset_id bytea check (length(keyset_id) = 32),
  signature bytea not null check (length(signature) = 64),
  created_at timestamptz not null,
  primary key (tenant_id, id),
  unique nulls not distinct (tenant_id, relay, peer, period_start)
);
comment on table ledger.forwarding_accounting is 'What a relay forwarded in a period and charged for it, signed by the relay (Ed25519).';
select ops.protect_tenant('ledger.forwarding_accounting');
select ops.append_only('ledger.forwarding_accounting');
select ops.grant_append('ledger.forwarding_accounting');
