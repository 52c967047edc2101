import type { PolicySetJson } from "./engine/index.ts";

const group = (id: string) => ({ op: "in" as const, entity: { type: "Group", id } });
const actions = (...ids: string[]) => ({
  op: "in" as const,
  entities: ids.map((id) => ({ type: "Action", id })),
});
const anything = { op: "All" as const };

/** What a new project starts with; its administrators replace it. Amounts in cents. */
export const DEFAULT_POLICIES: PolicySetJson = {
  staticPolicies: {
    "admins-may-do-everything": {
      effect: "permit",
      principal: group("admins"),
      action: anything,
      resource: anything,
      conditions: [],
    },
    "everyone-may-see-who-they-are": {
      effect: "permit",
      principal: anything,
      action: actions("control-plane.me"),
      resource: anything,
      conditions: [],
    },
    "auditors-may-read-and-verify": {
      effect: "permit",
      principal: group("auditors"),
      action: actions("read"),
      resource: anything,
      conditions: [],
    },
    "services-may-assess-and-ask": {
      effect: "permit",
      principal: group("services"),
      action: actions(
        "risk",
        "authz.decision.ask",
        "authz.resource-filter.compile",
        "telemetry",
        "ledger.audit",
        "ledger.bundle",
        "ledger.checkpoint",
        "ledger.consistency",
        "ledger.entry",
        "ledger.key.list",
        "ledger.log.verify",
        "ledger.receipt",
        "ledger.root-seal",
        "ledger.tile",
        "registries.alias.list",
        "registries.alias.resolve",
        "registries.alias-maintainers.get",
        "registries.alias-record",
        "registries.forwarding",
        "registries.payment-record.endorse",
        "registries.payment-record.get",
        "registries.payment-record.list",
        "registries.voucher.check",
        "registries.voucher-keyset.list",
        "vault.verdict",
        "vault.chain",
      ),
      resource: anything,
      conditions: [],
    },
    "nobody-pays-more-than-ten-million": {
      effect: "forbid",
      principal: anything,
      action: actions("risk.transaction.assess"),
      resource: anything,
      conditions: [
        {
          kind: "when",
          body: {
            ">": {
              left: { ".": { left: { Var: "context" }, attr: "amount_cents" } },
              right: { Value: 1_000_000_000 },
            },
          },
        },
      ],
    },
  },
};
