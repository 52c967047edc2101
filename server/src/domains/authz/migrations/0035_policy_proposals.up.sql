create table authz.policy_proposals (
  tenant_id uuid not null,
  id uuid not null,
  policy_version_id uuid not null,
  since timestamptz not null,
  until timestamptz not null check (until > since),
  document text not null,
  evidence text not null,
  smt text,
  verdict text not null check (verdict in ('proven', 'refuted', 'not_proven')),
  reason text,
  replayed int not null check (replayed >= 0),
  newly_denied int not null check (newly_denied between 0 and replayed),
  created_by text not null,
  created_at timestamptz not null,
  primary key (tenant_id, id),
  foreign key (tenant_id, policy_version_id) references authz.policy_versions
);
comment on table authz.policy_proposals is 'Policies narrowed to what a version was used for in a window, with the proof that they permit nothing new.';
comment on column authz.policy_proposals.document is 'Canonical JSON (RFC 8785) of the proposed policies.';
comment on column authz.policy_proposals.evidence is 'Canonical JSON: of each permit what was used, counted; it names no principal.';
comment on column authz.policy_proposals.smt is 'What the solver was asked, in SMT-LIB 2.6; unsat proves it.';
create index policy_proposals_version on authz.policy_proposals (tenant_id, policy_version_id, id);
select ops.protect_tenant('authz.policy_proposals');
select ops.append_only('authz.policy_proposals');
select ops.grant_append('authz.policy_proposals');
