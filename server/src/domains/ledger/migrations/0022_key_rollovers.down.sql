-- sealbase: loses-data ledger.key_rollovers
drop table ledger.key_rollovers;
