import type { Handler } from "#domains/ops";
import type { Db, Tx } from "#kernel/db.ts";
import { type Comparison, compare } from "./deployed.ts";
import { readDeployed, readRowPolicies, type StoredRowPolicy } from "./queries.ts";

/** The topic of jobs that compare what is deployed with what was compiled. */
export const ROW_POLICIES = "authz.row-policies";

export interface Checked extends Comparison {
  readonly policy: StoredRowPolicy;
}

/** Row policies beside what the catalog has under their names. */
export async function checked(tx: Tx, policies: readonly StoredRowPolicy[]): Promise<Checked[]> {
  if (policies.length === 0) return [];
  const found = await readDeployed(tx, policies);
  return policies.map((policy, i) => ({ policy, ...compare(policy, found[i]!) }));
}

const CHECKED_MAX = 1_000;
/** Those that an event names; the others are counted. */
const TOLD_MAX = 20;

/** The daily check: tells of each that is watched and not as it was compiled, or not there. */
export const checkRowPolicies =
  (db: Db): Handler =>
  async ({ tenantId, signal }) => {
    const all = await db.transaction(
      { role: "reader", tenantId },
      async (tx) => checked(tx, await readRowPolicies(tx, { limit: CHECKED_MAX, watched: true })),
      signal,
    );
    const differing = all.filter(({ state }) => state !== "deployed");
    const result = { row_policies: all.length, differing: differing.length };
    if (differing.length === 0) return { result };
    const told = differing.slice(0, TOLD_MAX).map(({ policy, state, differences }) => ({
      id: policy.id,
      table: `${policy.tableSchema}.${policy.tableName}`,
      policy_name: policy.policyName,
      state,
      differences: [...differences],
    }));
    const facts = { row_policies: told, more_row_policies: differing.length - told.length };
    return { result, event: { kind: "policy_sql_drift", severity: "critical", facts } };
  };
