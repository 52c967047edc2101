-- sealbase: loses-data ledger.heads, ledger.pending, ledger.entries, ledger.payloads, ledger.tiles, ledger.checkpoints
drop function ledger.logs_with_work();
drop table ledger.checkpoints;
drop table ledger.tiles;
drop table ledger.payloads;
drop table ledger.entries;
drop table ledger.pending;
drop table ledger.heads;
