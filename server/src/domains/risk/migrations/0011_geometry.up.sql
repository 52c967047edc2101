create table vedic.quaternion_signatures (
  tenant_id uuid not null,
  id uuid not null,
  subject_type text not null check (length(subject_type) between 1 and 120),
  subject_id text not null check (length(subject_id) between 1 and 500),
  model_version_id uuid references vedic.model_versions,
  w double precision not null,
  x double precision not null,
  y double precision not null,
  z double precision not null,
  frequency_hz double precision not null default 7.83 check (frequency_hz between 0 and 1e12),
  phase_rad double precision not null check (phase_rad between -1e12 and 1e12),
  magnitude double precision not null generated always as (sqrt(w * w + x * x + y * y + z * z)) stored,
  norm_error double precision not null generated always as (abs(sqrt(w * w + x * x + y * y + z * z) - 1)) stored,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  -- NaN and infinities sort outside of every range.
  check (w between -1e100 and 1e100 and x between -1e100 and 1e100
     and y between -1e100 and 1e100 and z between -1e100 and 1e100)
);
comment on table vedic.quaternion_signatures is 'A point on S3 that stands for a subject, with frequency and phase.';
comment on column vedic.quaternion_signatures.norm_error is 'How far from a unit quaternion: | |q| - 1 |.';
create index quaternion_signatures_subject on vedic.quaternion_signatures (tenant_id, subject_type, subject_id);
select ops.protect_tenant('vedic.quaternion_signatures');
select ops.append_only('vedic.quaternion_signatures');
select ops.grant_append('vedic.quaternion_signatures');

create table vedic.policy_geometry (
  tenant_id uuid not null,
  decision_id uuid not null,
  model_version_id uuid not null references vedic.model_versions,
  w double precision not null,
  x double precision not null,
  y double precision not null,
  z double precision not null,
  reference_signature_id uuid,
  distance_rad double precision check (distance_rad between 0 and pi()),
  created_at timestamptz not null,
  primary key (tenant_id, decision_id, model_version_id),
  foreign key (tenant_id, reference_signature_id) references vedic.quaternion_signatures,
  check (w between -1e100 and 1e100 and x between -1e100 and 1e100
     and y between -1e100 and 1e100 and z between -1e100 and 1e100),
  check ((reference_signature_id is null) = (distance_rad is null))
);
comment on table vedic.policy_geometry is 'A policy decision as a quaternion, by a model version, and how far it lies from a reference.';
comment on column vedic.policy_geometry.distance_rad is 'Geodesic on S3: 2 acos |q . r|.';
select ops.protect_tenant('vedic.policy_geometry');
select ops.append_only('vedic.policy_geometry');
select ops.grant_append('vedic.policy_geometry');

create table vedic.collatz_runs (
  tenant_id uuid not null,
  id uuid not null,
  n numeric(100, 0) not null check (n >= 1),
  classical_steps int not null check (classical_steps >= 0),
  peak numeric(200, 0) not null check (peak >= n),
  reached_one boolean not null,
  s3_steps int check (s3_steps >= 0),
  created_at timestamptz not null,
  primary key (tenant_id, id)
);
comment on table vedic.collatz_runs is 'The Collatz sequence of n, as far as it was followed.';
comment on column vedic.collatz_runs.reached_one is 'False when the step limit ended the run.';
comment on column vedic.collatz_runs.s3_steps is
  'Iterations of the geometric convergence on S3. It computes no Collatz step, so it is no speed-up over classical_steps.';
create index collatz_runs_n on vedic.collatz_runs (tenant_id, n);
select ops.protect_tenant('vedic.collatz_runs');
select ops.append_only('vedic.collatz_runs');
select ops.grant_append('vedic.collatz_runs');

create table vedic.collatz_trace_points (
  tenant_id uuid not null,
  run_id uuid not null,
  step int not null check (step >= 0),
  value numeric(200, 0) not null check (value >= 1),
  primary key (tenant_id, run_id, step),
  foreign key (tenant_id, run_id) references vedic.collatz_runs
);
comment on table vedic.collatz_trace_points is 'Chosen points of a run; not every step need be there.';
select ops.protect_tenant('vedic.collatz_trace_points');
select ops.append_only('vedic.collatz_trace_points');
select ops.grant_append('vedic.collatz_trace_points');

create table vedic.lattice_snapshots (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('w_state', 'fractal')),
  ring_size int not null check (ring_size > 0),
  positions int[] not null,
  amplitudes double precision[] not null,
  checksum bytea not null check (length(checksum) = 32),
  created_at timestamptz not null,
  primary key (tenant_id, id),
  check (cardinality(positions) = cardinality(amplitudes) and cardinality(positions) <= ring_size)
);
comment on table vedic.lattice_snapshots is 'A lattice state for diagnosis, sparse: amplitude i belongs to position i, all others are zero.';
select ops.protect_tenant('vedic.lattice_snapshots');
select ops.append_only('vedic.lattice_snapshots');
select ops.grant_append('vedic.lattice_snapshots');
