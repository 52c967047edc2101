drop function ledger.sealed_heads(bigint, bigint, int);
