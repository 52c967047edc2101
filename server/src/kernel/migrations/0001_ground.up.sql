-- The ground: roles, schemas, and the few functions that every later table is made with.

do $$
declare
  role_name text;
begin
  foreach role_name in array array[
    'sealbase_migrator',  -- owns everything; only migrations run as it
    'sealbase_writer',    -- the server, for calls that write
    'sealbase_reader',    -- the server, for calls that read
    'sealbase_analyst',   -- people who query
    'sealbase_auditor',   -- people who check
    'sealbase_retention'  -- the one role that may delete from append-only tables
  ] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin', role_name);
    end if;
  end loop;
  -- What the server logs in as: it has no rights of its own and takes writer or reader per transaction.
  if not exists (select from pg_roles where rolname = 'sealbase_server') then
    create role sealbase_server nologin noinherit;
  end if;
end
$$;

grant sealbase_writer, sealbase_reader to sealbase_server;

do $$
begin
  execute format('grant create on database %I to sealbase_migrator', current_database());
end
$$;

-- A database owner who is no superuser may act as the migrator, and serve, only as a member.
do $$
begin
  if not (select rolsuper from pg_roles where rolname = current_user) then
    execute format('grant sealbase_migrator, sealbase_server to %I', current_user);
  end if;
end
$$;

create schema if not exists ops;
alter schema ops owner to sealbase_migrator;
create schema control_plane authorization sealbase_migrator;
create schema authz authorization sealbase_migrator;
create schema security authorization sealbase_migrator;
create schema ledger authorization sealbase_migrator;
create schema telemetry authorization sealbase_migrator;
create schema vedic authorization sealbase_migrator;
create schema entities authorization sealbase_migrator;

grant usage on schema control_plane, authz, security, ledger, telemetry, vedic, entities, ops
  to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor, sealbase_retention;

set local role sealbase_migrator;

-- The project of this transaction. Unset means none, and then no row of any project is visible.
create function ops.tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.tenant_id', true), '')::uuid;

-- Set only by operations that work on an organization's projects.
create function ops.organization() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.organization_id', true), '')::uuid;

-- The UUID that a text is, or null.
create function ops.try_uuid(given text) returns uuid
  language sql immutable parallel safe
  return case when pg_input_is_valid(given, 'uuid') then given::uuid end;

create function ops.protect_tenant(t regclass) returns void
  language plpgsql set search_path = '' as $$
begin
  execute format('alter table %s enable row level security', t);
  execute format('alter table %s force row level security', t);
  execute format(
    'create policy tenant on %s to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor, sealbase_retention '
    'using (tenant_id = (select ops.tenant())) with check (tenant_id = (select ops.tenant()))', t);
  execute format('create policy owner on %s to sealbase_migrator using (true) with check (true)', t);
end
$$;

create function ops.refuse_change() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if tg_op = 'DELETE' and current_user = 'sealbase_retention' then
    return old;
  end if;
  raise exception '%.% is append-only', tg_table_schema, tg_table_name
    using errcode = 'insufficient_privilege',
          hint = 'Rows leave only through a retention run; nothing changes them.';
end
$$;

-- Gives a partition the truncate guard of its table, when that has one.
create function ops.guard_truncate(t regclass, part regclass) returns void
  language plpgsql set search_path = '' as $$
begin
  if exists (select from pg_catalog.pg_trigger where tgrelid = t and tgname = 'append_only_truncate') then
    execute format('create trigger append_only_truncate before truncate on %s for each statement execute function ops.refuse_change()', part);
  end if;
end
$$;

create function ops.append_only(t regclass) returns void
  language plpgsql set search_path = '' as $$
begin
  execute format('create trigger append_only before update or delete on %s for each row execute function ops.refuse_change()', t);
  execute format('create trigger append_only_truncate before truncate on %s for each statement execute function ops.refuse_change()', t);
  -- Row triggers reach partitions by themselves, statement triggers do not.
  perform ops.guard_truncate(t, i.inhrelid::regclass) from pg_catalog.pg_inherits i where i.inhparent = t;
  execute format('grant select, delete on %s to sealbase_retention', t);
end
$$;

create function ops.set_updated_at() returns trigger
  language plpgsql set search_path = '' as $$
begin
  new.updated_at := now();
  return new;
end
$$;

create function ops.touch_updated_at(t regclass) returns void
  language plpgsql set search_path = '' as $$
begin
  execute format('create trigger touch_updated_at before update on %s for each row execute function ops.set_updated_at()', t);
end
$$;

create function ops.grant_read(t regclass) returns void
  language plpgsql set search_path = '' as $$
begin
  execute format('grant select on %s to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor', t);
end
$$;

create function ops.grant_append(t regclass) returns void
  language plpgsql set search_path = '' as $$
begin
  perform ops.grant_read(t);
  execute format('grant insert on %s to sealbase_writer', t);
end
$$;

create function ops.grant_write(t regclass) returns void
  language plpgsql set search_path = '' as $$
begin
  perform ops.grant_read(t);
  execute format('grant insert, update, delete on %s to sealbase_writer', t);
end
$$;

-- The smallest UUIDv7 of a moment: its first 48 bits are milliseconds since 1970 (RFC 9562, 5.7).
create function ops.uuid_floor(moment timestamptz) returns uuid
  language sql immutable parallel safe
  return rpad(lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid;

-- Makes the partition of a range of UUIDs, unless it is there. Rows of the range that wait in the default partition, left by a
-- clock that was ahead, come along: beside them it could not be attached. Its triggers sleep while they leave, which only
-- the owner can ask for, and the lock keeps everybody else out until the end of the transaction.
create function ops.make_partition(t regclass, part_name text, first uuid, past uuid) returns void
  language plpgsql set search_path = '' as $$
declare
  part text;
  rest text;
  key_name text;
  names text;
begin
  execute format('lock table only %s in share update exclusive mode', t);
  select format('%I.%I', n.nspname, part_name), format('%I.%I', n.nspname, c.relname || '_default'), k.attname
    into part, rest, key_name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_partitioned_table p on p.partrelid = c.oid
    join pg_catalog.pg_attribute k on k.attrelid = c.oid and k.attnum = p.partattrs[0]
   where c.oid = t;
  if to_regclass(part) is not null then
    return;
  end if;
  execute format('create table %s (like %s including all excluding comments)', part, t);
  execute format('lock table %s in access exclusive mode', rest);
  select string_agg(quote_ident(attname), ', ' order by attnum) into names
    from pg_catalog.pg_attribute where attrelid = t and attnum > 0 and not attisdropped and attgenerated = '';
  execute format('alter table %s disable trigger user', rest);
  execute format('with moved as (delete from %s where %I >= %L and %I < %L returning *) insert into %s (%s) select %s from moved',
    rest, key_name, first, key_name, past, part, names, names);
  execute format('alter table %s enable trigger user', rest);
  execute format('alter table %s attach partition %s for values from (%L) to (%L)', t, part, first, past);
  perform ops.guard_truncate(t, part::regclass);
end
$$;

-- Monthly partitions of a table that is partitioned by range of a UUIDv7, whose time is in the value itself:
-- so the key stays (tenant_id, id) and no column repeats the time. The default partition catches what no month is made for.
create function ops.partition_monthly(t regclass, months_ahead int default 3) returns void
  language plpgsql set search_path = '' as $$
declare
  month timestamptz;
  schema_name text;
  table_name text;
  part_name text;
begin
  select n.nspname, c.relname into schema_name, table_name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = t;
  if to_regclass(format('%I.%I', schema_name, table_name || '_default')) is null then
    execute format('create table %I.%I partition of %s default', schema_name, table_name || '_default', t);
  end if;
  for ahead in 0 .. months_ahead loop
    month := (date_trunc('month', now() at time zone 'utc') + make_interval(months => ahead)) at time zone 'utc';
    part_name := table_name || to_char(month at time zone 'utc', '_YYYYMM');
    if to_regclass(format('%I.%I', schema_name, part_name)) is null then
      perform ops.make_partition(t, part_name, ops.uuid_floor(month),
        ops.uuid_floor((month at time zone 'utc' + interval '1 month') at time zone 'utc'));
    end if;
  end loop;
end
$$;

-- Makes the coming months' partitions of our tables, and of nobody else's in the same database. A table that it cannot be done
-- for keeps its rows in the default partition, and does not keep the others from theirs.
create function ops.make_partitions() returns void
  language plpgsql set search_path = '' as $$
declare
  t regclass;
begin
  for t in
    select c.oid::regclass from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'p' and not c.relispartition and c.relpersistence <> 't'
      and c.relowner = 'sealbase_migrator'::regrole
      and n.nspname in ('control_plane', 'authz', 'security', 'ledger', 'telemetry', 'vedic', 'entities', 'ops')
      and pg_catalog.pg_get_partkeydef(c.oid) like 'RANGE (%id)'
  loop
    begin
      perform ops.partition_monthly(t);
    exception when others then
      raise warning 'no partitions were made for %: % (%)', t, sqlerrm, sqlstate;
    end;
  end loop;
end
$$;

revoke execute on all functions in schema ops from public;
grant execute on function ops.tenant(), ops.organization(), ops.uuid_floor(timestamptz), ops.try_uuid(text)
  to sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor, sealbase_retention;
