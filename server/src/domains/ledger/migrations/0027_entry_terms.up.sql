create table ledger.entry_terms (
  tenant_id uuid not null,
  term bigint not null,
  index bigint not null check (index >= 0),
  primary key (tenant_id, term, index)
);
comment on table ledger.entry_terms is
  'What an entry can be found by. Derived: it leads to entries, and what is answered is read from those; made anew where ledger.indexed has no row.';
comment on column ledger.entry_terms.term is 'The first 8 bytes of SHA-256 over a field, a newline and its value.';
select ops.protect_tenant('ledger.entry_terms');
select ops.append_only('ledger.entry_terms');
select ops.grant_append('ledger.entry_terms');

create table ledger.entry_spans (
  tenant_id uuid not null,
  index bigint not null check (index >= 0),
  earliest_ms bigint not null,
  latest_ms bigint not null,
  primary key (tenant_id, index)
);
comment on table ledger.entry_spans is 'Between which times 256 entries are, from 256 times the index on. Derived, as the terms are.';
comment on column ledger.entry_spans.earliest_ms is 'Since 1970, as the entries say; above latest_ms when none of them can be read.';
select ops.protect_tenant('ledger.entry_spans');
select ops.append_only('ledger.entry_spans');
select ops.grant_append('ledger.entry_spans');

create table ledger.indexed (
  tenant_id uuid primary key,
  size bigint not null default 0 check (size >= 0),
  earliest_ms bigint,
  latest_ms bigint
);
comment on table ledger.indexed is 'How many entries of a log have their terms, and the times of those that fill no span yet.';
select ops.protect_tenant('ledger.indexed');
select ops.grant_read('ledger.indexed');
grant insert, update on ledger.indexed to sealbase_writer;

-- The indexer looks across projects for work, and sees nothing but which logs have some.
create function ledger.logs_to_index(logs_max int) returns setof uuid
  language sql stable security definer set search_path = ''
  begin atomic
    select h.tenant_id from ledger.heads h left join ledger.indexed i on i.tenant_id = h.tenant_id
    where h.size > coalesce(i.size, 0) limit logs_max;
  end;
revoke execute on function ledger.logs_to_index(int) from public;
grant execute on function ledger.logs_to_index(int) to sealbase_writer;
