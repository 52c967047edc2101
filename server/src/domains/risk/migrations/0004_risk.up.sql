create table vedic.model_versions (
  id uuid primary key,
  name text not null,
  number int not null check (number > 0),
  document text not null,
  document_hash bytea not null unique check (length(document_hash) = 32),
  created_at timestamptz not null default now(),
  unique (name, number)
);
comment on table vedic.model_versions is 'Weights of a scorer. The same for every project; a version is never changed.';
select ops.append_only('vedic.model_versions');
select ops.grant_append('vedic.model_versions');

create table vedic.transactions (
  tenant_id uuid not null,
  id uuid not null,
  external_id text,
  type text not null check (type in ('PAYMENT', 'TRANSFER', 'CASH_OUT', 'CASH_IN', 'DEBIT')),
  amount_cents bigint not null check (amount_cents >= 0),
  origin_account text not null,
  origin_before_cents bigint,
  origin_after_cents bigint,
  destination_account text not null,
  destination_before_cents bigint,
  destination_after_cents bigint,
  occurred_at timestamptz,
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
comment on table vedic.transactions is 'A payment that was assessed. Amounts in cents.';
create index transactions_external on vedic.transactions (tenant_id, external_id) where external_id is not null;
select ops.protect_tenant('vedic.transactions');
select ops.append_only('vedic.transactions');
select ops.grant_append('vedic.transactions');

create table vedic.transaction_features (
  tenant_id uuid not null,
  transaction_id uuid not null,
  amount_cents bigint not null,
  digital_root smallint not null check (digital_root between 0 and 9),
  is_round_amount boolean not null,
  drain_ratio numeric(6, 5) check (drain_ratio between 0 and 1),
  is_overdrawn boolean not null,
  amount_bucket text not null check (amount_bucket in ('micro', 'small', 'medium', 'large', 'mega')),
  type text not null,
  primary key (tenant_id, transaction_id)
);
comment on table vedic.transaction_features is 'What the scorer saw in a transaction.';
select ops.protect_tenant('vedic.transaction_features');
select ops.append_only('vedic.transaction_features');
select ops.grant_append('vedic.transaction_features');

create table vedic.fraud_scores (
  tenant_id uuid not null,
  id uuid not null,
  subject_id uuid,
  model_version_id uuid not null,
  score numeric(6, 5) not null check (score between 0 and 1),
  level text not null check (level in ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
  reasons text[] not null,
  features text not null,
  score_max numeric(6, 5) not null,
  refused boolean not null,
  created_at timestamptz not null,
  primary key (tenant_id, id)
) partition by range (id);
comment on table vedic.fraud_scores is 'How risky a call was; its id is the id of the decision of the same call.';
comment on column vedic.fraud_scores.model_version_id is
  'No foreign key: every score would lock the one row of its model. Models are append-only, so it cannot dangle.';
comment on column vedic.fraud_scores.features is 'Canonical JSON of the features, so that the score can be recomputed.';
comment on column vedic.fraud_scores.score_max is 'The threshold of the project at that time.';
select ops.partition_monthly('vedic.fraud_scores');
select ops.protect_tenant('vedic.fraud_scores');
select ops.append_only('vedic.fraud_scores');
select ops.grant_append('vedic.fraud_scores');
