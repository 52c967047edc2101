-- sealbase: loses-data ledger.alias_maintainer_sets, ledger.alias_records, ledger.alias_endorsements, ledger.voucher_keysets
-- sealbase: loses-data ledger.payment_registry_records, ledger.payment_registry_endorsements, ledger.forwarding_accounting
drop table ledger.forwarding_accounting;
drop table ledger.payment_registry_endorsements;
drop table ledger.payment_registry_records;
drop table ledger.voucher_keysets;
drop table ledger.alias_endorsements;
drop table ledger.alias_records;
drop function ledger.raise_alias_seq();
drop table ledger.alias_maintainer_sets;
drop function ledger.every_length(bytea[], int);
