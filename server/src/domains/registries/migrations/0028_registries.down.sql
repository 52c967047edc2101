-- sealbase: loses-data ledger.alias_endorsements, ledger.alias_records, ledger.payment_registry_endorsements, ledger.payment_registry_records, ledger.forwarding_accounting, ledger.voucher_keysets, ledger.alias_maintainer_sets
drop trigger guard_alias_endorsement on ledger.alias_endorsements;
drop function ledger.guard_alias_endorsement();

create or replace function ledger.raise_alias_seq() returns trigger
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

drop function ledger.final_alias_seq(uuid, text);
drop function ledger.is_quorum(bigint, bigint);
drop index ledger.forwarding_accounting_period;
drop index ledger.payment_registry_records_keyset;
drop index ledger.alias_records_set;
drop index ledger.voucher_keysets_calls;
drop index ledger.payment_registry_endorsements_call;
drop index ledger.alias_endorsements_call;
alter table ledger.forwarding_accounting drop constraint forwarding_accounting_relay, drop column record, drop column public_key;
alter table ledger.payment_registry_records drop constraint payment_registry_records_total, drop column endorsers, drop column previous_id;
revoke update (activated_by, retired_by) on ledger.voucher_keysets from sealbase_writer;
alter table ledger.voucher_keysets drop constraint voucher_keysets_status, drop column retired_by, drop column activated_by, drop column call_id;
alter table ledger.payment_registry_endorsements drop column call_id;
alter table ledger.alias_endorsements drop column call_id;
alter table ledger.alias_records drop constraint alias_records_node, drop column public_key;
alter table ledger.alias_maintainer_sets drop constraint alias_maintainer_sets_signers, drop column rotation_signers;
