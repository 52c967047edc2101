/** The tables and views that the platform promises, by schema. */
export const CANONICAL: Record<string, string> = {
  control_plane:
    "users identities tenants workspaces memberships apps app_installations resources resource_links role_bindings grants consents api_credentials automation_flows organizations organization_memberships projects service_accounts api_keys agent_sessions approvals",
  authz:
    "policy_sets policy_versions policy_schemas policy_rule_templates policy_decisions policy_decision_trace_steps entity_slices drift_windows drift_window_cells drift_first_uses drift_findings policy_activations policy_proposals replay_disagreements policy_previews row_policies",
  security:
    "signing_keys signing_key_versions revoked_tokens revoked_sessions nonce_watermarks threat_level_history anomaly_reports",
  ledger:
    "heads root_heads pending entries entry_spans entry_terms indexed payloads tiles checkpoints cosignatures witnessed key_rollovers openings erasures archives archived alias_records alias_endorsements alias_maintainer_sets payment_registry_records payment_registry_endorsements voucher_keysets forwarding_accounting",
  telemetry: "security_events event_links audit_events metrics decisions_daily scores_daily",
  vedic:
    "transactions transaction_features fraud_scores model_versions quaternion_signatures policy_geometry collatz_runs collatz_trace_points lattice_snapshots",
  ops: "migrations migration_runs routines outbox outbox_attempts inbox idempotency_keys replay_checkpoints retention_policies retention_runs schedules webhooks",
  vault: "heads entries imported_files",
};

/** The same for every project, or above projects; everything else has a tenant_id. */
export const GLOBAL = [
  "authz.policy_rule_templates",
  "control_plane.identities",
  "control_plane.organization_memberships",
  "control_plane.organizations",
  "control_plane.projects",
  "control_plane.users",
  "ops.migration_runs",
  "ops.migrations",
  "ops.routines",
  "vedic.model_versions",
];

/** What is recorded stays as it was recorded: at least these. */
export const APPEND_ONLY = [
  "authz.drift_findings",
  "authz.drift_first_uses",
  "authz.drift_window_cells",
  "authz.drift_windows",
  "authz.entity_slices",
  "authz.policy_activations",
  "authz.policy_decision_trace_steps",
  "authz.policy_decisions",
  "authz.policy_previews",
  "authz.policy_schemas",
  "authz.replay_disagreements",
  "authz.row_policies",
  "ledger.alias_endorsements",
  "ledger.alias_maintainer_sets",
  "ledger.alias_records",
  "ledger.archives",
  "ledger.checkpoints",
  "ledger.cosignatures",
  "ledger.entries",
  "ledger.entry_spans",
  "ledger.entry_terms",
  "ledger.erasures",
  "ledger.forwarding_accounting",
  "ledger.key_rollovers",
  "ledger.payloads",
  "ledger.payment_registry_endorsements",
  "ledger.payment_registry_records",
  "ledger.root_heads",
  "ledger.tiles",
  "ledger.witnessed",
  "ops.inbox",
  "ops.retention_runs",
  "security.threat_level_history",
  "telemetry.audit_events",
  "telemetry.event_links",
  "telemetry.metrics",
  "telemetry.security_events",
  "vault.entries",
  "vault.imported_files",
  "vedic.collatz_runs",
  "vedic.collatz_trace_points",
  "vedic.fraud_scores",
  "vedic.lattice_snapshots",
  "vedic.model_versions",
  "vedic.policy_geometry",
  "vedic.quaternion_signatures",
  "vedic.transaction_features",
  "vedic.transactions",
];

/** Indexes that a tenant_id cannot lead: the row is looked for before its project is known. */
export const BEFORE_TENANT = ["agent_sessions_prefix", "api_keys_prefix_key", "heads_origin_key"];

/** What was taken away stays on record. */
export const KEPT_BY_RETENTION = [
  "ops.retention_runs",
  "authz.policy_activations",
  "ledger.erasures",
  "ledger.archives",
];

/** What the role of retention may do for the server, which may not delete. */
export const RETENTION = [
  "ops.retain(integer)",
  "ledger.erase(uuid,uuid)",
  "ledger.archive(bigint,uuid,bytea,bytea)",
  "ledger.restore(uuid)",
];

export const ROLES = [
  "sealbase_writer",
  "sealbase_reader",
  "sealbase_analyst",
  "sealbase_auditor",
  "sealbase_retention",
] as const;
