create table ledger.erasures (
  tenant_id uuid not null,
  entry_id uuid not null,
  erasure_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, entry_id, erasure_id)
);
comment on table ledger.erasures is 'Payloads that were erased, and by which call: its entry names the erased one. A payload that is gone without one was taken away.';
select ops.protect_tenant('ledger.erasures');
select ops.append_only('ledger.erasures');
select ops.grant_read('ledger.erasures');

create table ledger.archives (
  tenant_id uuid not null,
  number int not null check (number > 0),
  kind text not null check (kind in ('archived', 'restored')),
  first bigint not null check (first >= 0 and first % 256 = 0),
  past bigint not null check (past % 256 = 0),
  minimum bigint generated always as (case kind when 'archived' then past else first end) stored,
  root bytea not null check (length(root) = 32),
  manifest_hash bytea not null check (length(manifest_hash) = 32),
  entry_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, number),
  check (past > first)
);
comment on table ledger.archives is 'Which entries went into files and which came back, in order; the last row says the minimum index: entries below it are not here.';
comment on column ledger.archives.root is 'Of the log at the size that the archive reaches to.';
comment on column ledger.archives.manifest_hash is 'SHA-256 of the manifest, which has that of every file.';
comment on column ledger.archives.entry_id is 'The call that did it, and its entry.';
select ops.protect_tenant('ledger.archives');
select ops.append_only('ledger.archives');
select ops.grant_read('ledger.archives');

create table ledger.archived (
  tenant_id uuid not null,
  id uuid not null,
  index bigint not null check (index >= 0),
  job text,
  primary key (tenant_id, id),
  unique (tenant_id, index)
);
comment on table ledger.archived is 'Ids and places of entries that are in archives: what they stand for in other tables was sealed.';
comment on column ledger.archived.job is 'The job that the entry is about.';
select ops.protect_tenant('ledger.archived');
select ops.grant_read('ledger.archived');

-- Nobody takes away the record of what was taken away.
revoke delete on ledger.erasures, ledger.archives from sealbase_retention;
grant insert on ledger.erasures, ledger.archives to sealbase_retention;
grant select, insert, delete on ledger.archived to sealbase_retention;
-- What repeats an erased payload: answers by Idempotency-Key, deliveries to webhooks, inputs that a person approved.
grant select, update (request_hash, status, answer) on ops.idempotency_keys to sealbase_retention;
grant update (payload) on ops.outbox to sealbase_retention;
grant select, update (input, input_hash, expires_at) on control_plane.approvals to sealbase_retention;

grant create on schema ledger to sealbase_retention;
reset role;
do $$
begin
  if not (select rolsuper from pg_roles where rolname = current_user) then
    execute format('grant sealbase_retention to %I', current_user);
  end if;
end
$$;

-- Erases the payload of one entry of the caller's project, with its salt, and what else the tables say of it: its decision, score, payment,
-- event, answer, deliveries and approval. Nothing goes where there is no payload. The call that asks for it seals it.
create function ledger.erase(erased uuid, erasure uuid) returns table (part text, removed bigint)
  language plpgsql security definer set search_path = '' as $$
declare
  refs text;
  decisions uuid[];
begin
  select encode(e.entry, 'escape') into refs from ledger.entries e where e.tenant_id = (select ops.tenant()) and e.id = erased;
  delete from ledger.payloads p where p.tenant_id = (select ops.tenant()) and p.entry_id = erased;
  get diagnostics removed = row_count;
  if refs is null or removed = 0 then
    return;
  end if;
  insert into ledger.erasures (tenant_id, entry_id, erasure_id) values (ops.tenant(), erased, erasure);
  part := 'payload';
  return next;
  decisions := array[erased, ops.try_uuid(substring(refs from '"asked_decision":"([0-9a-f-]{36})"'))];
  delete from authz.policy_decision_trace_steps t where t.tenant_id = (select ops.tenant()) and t.decision_id = any(decisions);
  delete from authz.policy_decisions d where d.tenant_id = (select ops.tenant()) and d.id = any(decisions);
  get diagnostics removed = row_count;
  part := 'decisions';
  return next;
  -- Who a decision was asked about; the link of the call itself stays.
  delete from telemetry.event_links l where l.tenant_id = (select ops.tenant()) and l.decision_id = decisions[2];
  delete from vedic.fraud_scores s where s.tenant_id = (select ops.tenant()) and s.id = erased;
  get diagnostics removed = row_count;
  part := 'scores';
  return next;
  delete from vedic.transaction_features f where f.tenant_id = (select ops.tenant()) and f.transaction_id = erased;
  delete from vedic.transactions t where t.tenant_id = (select ops.tenant()) and t.id = erased;
  get diagnostics removed = row_count;
  part := 'payments';
  return next;
  delete from telemetry.security_events v where v.tenant_id = (select ops.tenant()) and v.id = erased;
  get diagnostics removed = row_count;
  part := 'events';
  return next;
  -- The key stays taken, so that the call is not done once more; 410 is the status of an answer that is gone.
  update ops.idempotency_keys i set status = 410, answer = 'null', request_hash = decode(repeat('00', 32), 'hex')
    where i.tenant_id = (select ops.tenant()) and i.decision_id = erased;
  get diagnostics removed = row_count;
  part := 'answers';
  return next;
  -- The first escaped id in a delivery is that of the event. Those under way tell of the erasure instead.
  update ops.outbox o set payload = json_build_object(
      'webhook_id', substring(o.payload from '"webhook_id":"([0-9a-f-]{36})"'),
      'body', json_build_object('type', 'sealbase.erased', 'timestamp', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'data', json_build_object('id', erased, 'erased_by', erasure))::text)::text
    where o.tenant_id = (select ops.tenant()) and o.topic = 'webhook.deliver'
      and substring(o.payload from '\\"id\\":\\"([0-9a-f-]{36})\\"') = any(decisions::text[]);
  get diagnostics removed = row_count;
  part := 'deliveries';
  return next;
  update control_plane.approvals a set input = 'null', input_hash = sha256(convert_to(gen_random_uuid()::text, 'UTF8')),
      expires_at = least(a.expires_at, now())
    where a.tenant_id = (select ops.tenant())
      and (a.decision_id = erased or a.id = ops.try_uuid(substring(refs from '"approval":"([0-9a-f-]{36})"')));
  get diagnostics removed = row_count;
  part := 'approvals';
  return next;
end
$$;

-- Takes the entries and payloads between the minimum index and `past` away, and says how many entries; -1 and nothing happens when they are not what
-- the full tiles over them were made of. Entries that name the log's next key stay: readers follow the keys by their receipts.
create function ledger.archive(past bigint, call uuid, root bytea, manifest_hash bytea) returns bigint
  language plpgsql security definer set search_path = '' as $$
declare
  first bigint := 0;
  next_number int := 1;
  whole bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('ledger minimum ' || ops.tenant(), 0));
  select a.minimum, a.number + 1 into first, next_number from ledger.archives a
    where a.tenant_id = (select ops.tenant()) order by a.number desc limit 1;
  first := coalesce(first, 0);
  if past > (select max(c.size) from ledger.checkpoints c where c.tenant_id = (select ops.tenant())) then
    return -1;
  end if;
  select count(*) into whole from ledger.tiles t
    where t.tenant_id = (select ops.tenant()) and t.level = 0 and t.index >= first / 256 and t.index < past / 256
      and t.hashes = (select string_agg(sha256('\x00'::bytea || e.entry), ''::bytea order by e.index) from ledger.entries e
                      where e.tenant_id = t.tenant_id and e.index >= t.index * 256 and e.index < (t.index + 1) * 256);
  if whole * 256 is distinct from past - first then
    return -1;
  end if;
  insert into ledger.archives (tenant_id, number, kind, first, past, root, manifest_hash, entry_id)
    values (ops.tenant(), coalesce(next_number, 1), 'archived', first, past, root, manifest_hash, call);
  insert into ledger.archived (tenant_id, id, index, job)
    select e.tenant_id, e.id, e.index, substring(encode(e.entry, 'escape') from '"job":"([0-9a-f-]{36})"') from ledger.entries e
    where e.tenant_id = (select ops.tenant()) and e.index >= first and e.index < past
      and not exists (select from ledger.key_rollovers k where k.tenant_id = e.tenant_id and k.entry_id = e.id);
  -- From the beginning: a restore that was given up has left some.
  delete from ledger.payloads p using ledger.entries e, ledger.archived a
    where p.tenant_id = (select ops.tenant()) and e.tenant_id = p.tenant_id and e.id = p.entry_id and e.index < past
      and a.tenant_id = e.tenant_id and a.id = e.id;
  delete from ledger.entries e using ledger.archived a
    where e.tenant_id = (select ops.tenant()) and e.index < past and a.tenant_id = e.tenant_id and a.id = e.id;
  return past - first;
end
$$;

-- Lowers the minimum index to where the archive begins that reaches to it, once all of its entries are here again; null while some are not, and -1 when
-- they are not what the tiles over them were made of.
create function ledger.restore(call uuid) returns bigint
  language plpgsql security definer set search_path = '' as $$
declare
  top bigint;
  last_number int;
  archive record;
  whole bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('ledger minimum ' || ops.tenant(), 0));
  select a.minimum, a.number into top, last_number from ledger.archives a
    where a.tenant_id = (select ops.tenant()) order by a.number desc limit 1;
  select a.first, a.root, a.manifest_hash into archive from ledger.archives a
    where a.tenant_id = (select ops.tenant()) and a.kind = 'archived' and a.first < top and a.past >= top
    order by a.number desc limit 1;
  if archive.first is null then
    return null;
  end if;
  if (select count(*) from ledger.entries e
      where e.tenant_id = (select ops.tenant()) and e.index >= archive.first and e.index < top) <> top - archive.first then
    return null;
  end if;
  select count(*) into whole from ledger.tiles t
    where t.tenant_id = (select ops.tenant()) and t.level = 0 and t.index >= archive.first / 256 and t.index < top / 256
      and t.hashes = (select string_agg(sha256('\x00'::bytea || e.entry), ''::bytea order by e.index) from ledger.entries e
                      where e.tenant_id = t.tenant_id and e.index >= t.index * 256 and e.index < (t.index + 1) * 256);
  if whole * 256 <> top - archive.first then
    return -1;
  end if;
  delete from ledger.archived a where a.tenant_id = (select ops.tenant()) and a.index >= archive.first and a.index < top;
  insert into ledger.archives (tenant_id, number, kind, first, past, root, manifest_hash, entry_id)
    values (ops.tenant(), last_number + 1, 'restored', archive.first, top, archive.root, archive.manifest_hash, call);
  return archive.first;
end
$$;

alter function ledger.erase(uuid, uuid) owner to sealbase_retention;
alter function ledger.archive(bigint, uuid, bytea, bytea) owner to sealbase_retention;
alter function ledger.restore(uuid) owner to sealbase_retention;
revoke execute on function ledger.erase(uuid, uuid), ledger.archive(bigint, uuid, bytea, bytea), ledger.restore(uuid) from public;
grant execute on function ledger.erase(uuid, uuid), ledger.archive(bigint, uuid, bytea, bytea), ledger.restore(uuid) to sealbase_writer;
set local role sealbase_migrator;
revoke create on schema ledger from sealbase_retention;
