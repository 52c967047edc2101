-- sealbase: loses-data ledger.openings
drop table ledger.openings;
