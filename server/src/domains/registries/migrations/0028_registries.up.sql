-- What the registries need beyond their first tables: the keys behind node ids, who signed a rotation, who may endorse a payment
-- record, and the call that each row came from. The tables were never written to before, so columns may be required at once.

alter table ledger.alias_maintainer_sets
  add column rotation_signers bytea[] not null default '{}' check (ledger.every_length(rotation_signers, 32)),
  add constraint alias_maintainer_sets_signers check (cardinality(rotation_signers) = cardinality(rotation_signatures));
comment on column ledger.alias_maintainer_sets.rotation_signers is 'Whose rotation_signatures are, in the same order: two maintainers of the set before.';

alter table ledger.alias_records
  add column public_key bytea not null check (length(public_key) = 32),
  add constraint alias_records_node check (node = substring(sha256(public_key) for 20));
comment on column ledger.alias_records.public_key is 'Ed25519; its SHA-256 begins with node. The record itself has the node only.';

alter table ledger.alias_endorsements add column call_id uuid not null;
alter table ledger.payment_registry_endorsements add column call_id uuid not null;
comment on column ledger.alias_endorsements.call_id is 'The call that brought it, and so the entry of the project''s log that seals it.';
comment on column ledger.payment_registry_endorsements.call_id is 'The call that brought it, and so the entry of the project''s log that seals it.';

alter table ledger.voucher_keysets
  add column call_id uuid not null,
  add column activated_by uuid,
  add column retired_by uuid,
  add constraint voucher_keysets_status check (
    status = case when retired_by is not null then 'retired' when activated_by is not null then 'active' else 'announced' end);
comment on column ledger.voucher_keysets.call_id is 'The call that announced it; activated_by and retired_by are those that changed its status.';
grant update (activated_by, retired_by) on ledger.voucher_keysets to sealbase_writer;

alter table ledger.payment_registry_records
  add column previous_id uuid,
  add column endorsers bytea[] not null check (ledger.every_length(endorsers, 32)),
  add constraint payment_registry_records_total check (cardinality(endorsers) = endorsers_total),
  add foreign key (tenant_id, previous_id) references ledger.payment_registry_records;
comment on column ledger.payment_registry_records.previous_id is 'The record that was in force when this was published; it may be endorsed while that is.';
comment on column ledger.payment_registry_records.endorsers is 'Ed25519 keys whose endorsements count: those that the record in force names, or its own when none is.';

alter table ledger.forwarding_accounting
  add column public_key bytea not null check (length(public_key) = 32),
  add column record bytea not null,
  add constraint forwarding_accounting_relay check (relay = substring(sha256(public_key) for 20));
comment on column ledger.forwarding_accounting.record is 'The signed bytes as received (deterministic CBOR).';

create index alias_endorsements_call on ledger.alias_endorsements (tenant_id, call_id);
create index payment_registry_endorsements_call on ledger.payment_registry_endorsements (tenant_id, call_id);
create index voucher_keysets_calls on ledger.voucher_keysets (tenant_id, call_id);
create index alias_records_set on ledger.alias_records (tenant_id, maintainer_set_id);
create index payment_registry_records_keyset on ledger.payment_registry_records (tenant_id, keyset_id);
create index forwarding_accounting_period on ledger.forwarding_accounting (tenant_id, period_start);

-- Exact: no fraction is ever rounded.
create function ledger.is_quorum(endorsed bigint, total bigint) returns boolean
  language sql immutable parallel safe set search_path = ''
  return endorsed >= 5 and endorsed * 3 >= total * 2;
comment on function ledger.is_quorum is 'At least 5 endorsements that are at least two thirds of all that there could be.';

create function ledger.final_alias_seq(tenant uuid, name text) returns bigint
  language sql stable parallel safe set search_path = ''
  return (select r.seq from ledger.alias_records r
    join ledger.alias_maintainer_sets s on s.tenant_id = r.tenant_id and s.id = r.maintainer_set_id
    where r.tenant_id = tenant and r.alias = name and s.min_signers <= (
      select count(*) from ledger.alias_endorsements e
      where e.tenant_id = r.tenant_id and e.alias_record_id = r.id and e.maintainer = any (s.maintainers))
    order by r.seq desc limit 1);
comment on function ledger.final_alias_seq is 'The greatest seq of an alias that enough maintainers have endorsed; null before the first.';

-- Until now a greater seq that nobody had endorsed stood in the way of every smaller one: whoever could submit could burn
-- an alias by one record of the greatest seq. Only final records count.
create or replace function ledger.raise_alias_seq() returns trigger
  language plpgsql set search_path = '' as $$
declare
  highest bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended(new.tenant_id::text || new.alias, 5));
  highest := ledger.final_alias_seq(new.tenant_id, new.alias);
  if new.seq <= highest then
    raise exception 'ALIAS_SEQ_REPLAY: % is at seq %, so % is too late', new.alias, highest, new.seq
      using errcode = 'check_violation';
  end if;
  return new;
end
$$;

-- An endorsement counts once it is there, so it comes only while it may: from the set that is current, and above what is final.
create function ledger.guard_alias_endorsement() returns trigger
  language plpgsql set search_path = '' as $$
declare
  about record;
begin
  select r.alias, r.seq, s.number, s.maintainers into about from ledger.alias_records r
    join ledger.alias_maintainer_sets s on s.tenant_id = r.tenant_id and s.id = r.maintainer_set_id
    where r.tenant_id = new.tenant_id and r.id = new.alias_record_id;
  perform pg_advisory_xact_lock(hashtextextended(new.tenant_id::text || about.alias, 5));
  if new.maintainer <> all (about.maintainers) then
    raise exception 'ALIAS_SIG_INVALID: not a maintainer of %', about.alias using errcode = 'check_violation';
  end if;
  if about.number < (select max(s.number) from ledger.alias_maintainer_sets s
      where s.tenant_id = new.tenant_id and s.alias = about.alias) then
    raise exception 'ALIAS_ROTATION_CONFLICT: set % of % is not current', about.number, about.alias using errcode = 'check_violation';
  end if;
  if about.seq < ledger.final_alias_seq(new.tenant_id, about.alias) then
    raise exception 'ALIAS_SEQ_REPLAY: % is beyond seq %', about.alias, about.seq using errcode = 'check_violation';
  end if;
  return new;
end
$$;
create trigger guard_alias_endorsement before insert on ledger.alias_endorsements
  for each row execute function ledger.guard_alias_endorsement();

revoke execute on function ledger.is_quorum(bigint, bigint), ledger.final_alias_seq(uuid, text), ledger.guard_alias_endorsement() from public;
grant execute on function ledger.is_quorum(bigint, bigint), ledger.final_alias_seq(uuid, text) to sealbase_writer, sealbase_reader;
