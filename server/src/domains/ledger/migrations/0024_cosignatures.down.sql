-- sealbase: loses-data ledger.cosignatures, ledger.witnessed
drop function ledger.logs_unwitnessed();
drop table ledger.witnessed;
drop table ledger.cosignatures;
