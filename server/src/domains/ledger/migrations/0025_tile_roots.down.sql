alter table ledger.tiles drop column root;
