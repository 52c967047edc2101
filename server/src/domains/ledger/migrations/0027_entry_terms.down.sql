-- sealbase: loses-data ledger.entry_terms, ledger.entry_spans, ledger.indexed
drop function ledger.logs_to_index(int);
drop table ledger.indexed;
drop table ledger.entry_spans;
drop table ledger.entry_terms;
