-- sealbase: loses-data ledger.root_heads
drop function ledger.unsealed_heads(uuid, int);
drop table ledger.root_heads;
