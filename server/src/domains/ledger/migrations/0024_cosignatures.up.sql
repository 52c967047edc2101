create table ledger.cosignatures (
  tenant_id uuid not null,
  size bigint not null check (size >= 0),
  key text not null,
  line text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, key, size)
);
comment on table ledger.cosignatures is 'What witnesses said about a checkpoint (c2sp.org/tlog-cosignature): the line that stands under its note, by name+hash of the key.';
create index cosignatures_size on ledger.cosignatures (tenant_id, size);
select ops.protect_tenant('ledger.cosignatures');
select ops.append_only('ledger.cosignatures');
select ops.grant_append('ledger.cosignatures');

create table ledger.witnessed (
  tenant_id uuid not null,
  size bigint not null check (size >= 0),
  created_at timestamptz not null default now(),
  primary key (tenant_id, size)
);
comment on table ledger.witnessed is 'Checkpoints whose cosignatures satisfied the quorum of the policy of their time (c2sp.org/tlog-policy).';
select ops.protect_tenant('ledger.witnessed');
select ops.append_only('ledger.witnessed');
select ops.grant_append('ledger.witnessed');

-- After a start, whose newest checkpoint the witnesses have still to be asked about; nothing else is seen of other projects.
create function ledger.logs_unwitnessed() returns setof uuid
  language sql stable security definer set search_path = ''
  begin atomic
    select h.tenant_id from ledger.heads h
    where coalesce((select max(c.size) from ledger.checkpoints c where c.tenant_id = h.tenant_id), -1)
        > coalesce((select max(w.size) from ledger.witnessed w where w.tenant_id = h.tenant_id), -1);
  end;
revoke execute on function ledger.logs_unwitnessed() from public;
grant execute on function ledger.logs_unwitnessed() to sealbase_writer;
