-- A revocation may be prolonged and never shortened, and it leaves only when it has no effect any more.
create function security.keep_revocation() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    if old.expires_at > now() then
      raise exception 'this revocation holds until %', old.expires_at using errcode = 'insufficient_privilege';
    end if;
    return old;
  end if;
  new.expires_at := greatest(old.expires_at, new.expires_at);
  return new;
end
$$;
revoke execute on function security.keep_revocation() from public;

create table security.revoked_tokens (
  tenant_id uuid not null,
  token_id text not null check (length(token_id) between 1 and 200),
  expires_at timestamptz not null,
  reason text not null,
  revoked_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, token_id)
);
comment on table security.revoked_tokens is 'Tokens that are refused although their signature is good; revoked while expires_at is ahead.';
comment on column security.revoked_tokens.expires_at is 'When the token would have ended by itself.';
create index revoked_tokens_expires on security.revoked_tokens (tenant_id, expires_at);
create trigger keep_revocation before update or delete on security.revoked_tokens
  for each row execute function security.keep_revocation();
select ops.touch_updated_at('security.revoked_tokens');
select ops.protect_tenant('security.revoked_tokens');
select ops.grant_write('security.revoked_tokens');

create table security.revoked_sessions (
  tenant_id uuid not null,
  session_id text not null check (length(session_id) between 1 and 200),
  expires_at timestamptz not null,
  reason text not null,
  revoked_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, session_id)
);
comment on table security.revoked_sessions is 'Sessions that are ended, with all of their tokens; revoked while expires_at is ahead.';
create index revoked_sessions_expires on security.revoked_sessions (tenant_id, expires_at);
create trigger keep_revocation before update or delete on security.revoked_sessions
  for each row execute function security.keep_revocation();
select ops.touch_updated_at('security.revoked_sessions');
select ops.protect_tenant('security.revoked_sessions');
select ops.grant_write('security.revoked_sessions');

create table security.nonce_watermarks (
  tenant_id uuid not null,
  stream text not null check (length(stream) between 1 and 200),
  reserved_high bigint not null check (reserved_high >= 0),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, stream)
);
comment on table security.nonce_watermarks is 'How far the nonces of a key are used up. A nonce is never used twice, so it only rises.';
-- Going back, or starting anew after a deletion, would repeat nonces: under AES-GCM that gives the key away.
create function security.raise_watermark_only() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' then
    if new.reserved_high >= old.reserved_high and new.stream = old.stream and new.tenant_id = old.tenant_id then
      return new;
    end if;
  end if;
  raise exception 'the nonce watermark of % is at % and only rises', old.stream, old.reserved_high
    using errcode = 'insufficient_privilege';
end
$$;
revoke execute on function security.raise_watermark_only() from public;
create trigger raise_watermark_only before update or delete on security.nonce_watermarks
  for each row execute function security.raise_watermark_only();
select ops.touch_updated_at('security.nonce_watermarks');
select ops.protect_tenant('security.nonce_watermarks');
select ops.grant_read('security.nonce_watermarks');
grant insert, update on security.nonce_watermarks to sealbase_writer;

create table security.threat_level_history (
  tenant_id uuid not null,
  id uuid not null,
  level text not null check (level in ('normal', 'elevated', 'high', 'critical')),
  previous_level text check (previous_level in ('normal', 'elevated', 'high', 'critical')),
  reason text not null,
  set_by text not null,
  decision_id uuid,
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
comment on table security.threat_level_history is 'How alert a project is; the newest row holds, none means normal.';
select ops.protect_tenant('security.threat_level_history');
select ops.append_only('security.threat_level_history');
select ops.grant_append('security.threat_level_history');

create table security.anomaly_reports (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null check (length(kind) between 1 and 120),
  severity text not null check (severity in ('info', 'warning', 'critical')),
  status text not null default 'open' check (status in ('open', 'acknowledged', 'resolved', 'dismissed')),
  subject_type text,
  subject_id text,
  score numeric(6, 5) check (score between 0 and 1),
  facts text not null,
  assigned_to text,
  closed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  check ((status in ('resolved', 'dismissed')) = (closed_at is not null))
);
comment on table security.anomaly_reports is 'Something that a person should look at, and what became of it.';
comment on column security.anomaly_reports.facts is 'Canonical JSON of what was seen.';
create index anomaly_reports_open on security.anomaly_reports (tenant_id, severity, id) where closed_at is null;
select ops.touch_updated_at('security.anomaly_reports');
select ops.protect_tenant('security.anomaly_reports');
select ops.grant_read('security.anomaly_reports');
grant insert on security.anomaly_reports to sealbase_writer;
-- What was seen stays as reported; only its handling moves on.
grant update (status, assigned_to, closed_at) on security.anomaly_reports to sealbase_writer;
