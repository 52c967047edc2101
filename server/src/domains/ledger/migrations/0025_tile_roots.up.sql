-- What stands for a tile in the tile above it: so that nobody has to hash 256 tiles to make one.
alter table ledger.tiles add column root bytea;
comment on column ledger.tiles.root is 'The Merkle root of its hashes: a hash of the tile above.';

create function ledger.tile_root(hashes bytea) returns bytea
  language plpgsql immutable set search_path = '' as $$
declare
  level bytea := hashes;
  above bytea;
begin
  while length(level) > 32 loop
    above := '';
    for pair in 0 .. length(level) / 64 - 1 loop
      above := above || sha256('\x01'::bytea || substring(level from pair * 64 + 1 for 64));
    end loop;
    level := above;
  end loop;
  return level;
end
$$;
alter table ledger.tiles disable trigger user;
update ledger.tiles set root = ledger.tile_root(hashes);
alter table ledger.tiles enable trigger user;
drop function ledger.tile_root(bytea);

alter table ledger.tiles alter column root set not null;
alter table ledger.tiles add check (length(root) = 32);
