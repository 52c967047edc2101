import type { PolicySetJson } from "../engine/index.ts";
import { ENGINES } from "../engines.ts";

/** Id of the policy; a recorded decision without a version that names it was made by it. */
export const RECOVERY = "administrators-may-replace-quarantined-policies";

/** Operations by name or action group: see what decided, write, look through and activate other policies. */
const ACTIONS = [
  "authz.policy",
  "authz.policy-set",
  "authz.policy-template",
  "authz.policy-text",
  "authz.policy-version",
  "authz.decision.get",
  "authz.decision.list",
  "control-plane.me",
  "telemetry.chain.why",
];

const POLICIES: PolicySetJson = {
  staticPolicies: {
    [RECOVERY]: {
      effect: "permit",
      principal: {
        op: "is",
        entity_type: "ServiceAccount",
        in: { entity: { type: "Group", id: "admins" } },
      },
      action: { op: "in", entities: ACTIONS.map((id) => ({ type: "Action", id })) },
      resource: { op: "All" },
      conditions: [],
    },
  },
};

/**
 * What decides while the default set is quarantined, so that nobody is locked out for ever. Part of the server, not of the
 * project: nobody can change it, and it has scopes alone, about which engines have no two opinions.
 */
export const RECOVERY_POLICIES = {
  id: null,
  hash: null,
  schemaHash: null,
  engine: ENGINES.current,
  policies: ENGINES.current.compile(POLICIES),
};
