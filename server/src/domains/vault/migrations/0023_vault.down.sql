-- sealbase: loses-data vault.imported_files, vault.entries, vault.heads
drop table vault.imported_files;
drop table vault.entries;
drop table vault.heads;
drop schema vault;
