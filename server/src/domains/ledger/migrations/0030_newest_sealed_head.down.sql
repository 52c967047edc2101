drop function ledger.newest_sealed_head();
