create table ledger.root_heads (
  tenant_id uuid not null,
  log_id uuid not null,
  size bigint not null check (size > 0),
  entry_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, log_id, size)
);
comment on table ledger.root_heads is 'Which head of which log an entry of the root log seals. Rows belong to the root log, not to the project.';
comment on column ledger.root_heads.log_id is 'The project whose log it is.';
select ops.protect_tenant('ledger.root_heads');
select ops.append_only('ledger.root_heads');
select ops.grant_append('ledger.root_heads');

-- The root log looks at the heads of all logs: the newest checkpoint of each that grew since its last head was sealed.
create function ledger.unsealed_heads(root uuid, heads_max int)
  returns table (log_id uuid, size bigint, note text)
  language sql stable security definer set search_path = ''
  begin atomic
    select h.tenant_id, c.size, c.note from ledger.heads h,
      lateral (select k.size, k.note from ledger.checkpoints k where k.tenant_id = h.tenant_id order by k.size desc limit 1) c
    where h.tenant_id <> root
      and c.size > coalesce((select max(r.size) from ledger.root_heads r where r.tenant_id = root and r.log_id = h.tenant_id), 0)
    limit heads_max;
  end;
revoke execute on function ledger.unsealed_heads(uuid, int) from public;
grant execute on function ledger.unsealed_heads(uuid, int) to sealbase_writer;
