import { DEFAULT_POLICIES } from "../server/src/domains/authz/default-policies.ts";
import { PolicySet, type PolicySetJson } from "../server/src/domains/authz/engine/index.ts";
import { requestOf } from "../server/src/domains/authz/question.ts";
import { exampleOf } from "../server/src/faces/example.ts";
import { jsonSchemaOf } from "../server/src/faces/json-schema.ts";
import {
  actionOf,
  contextOf,
  factsOf,
  type Operation,
  type Principal,
  resourceOf,
} from "../server/src/pipeline/index.ts";

const GROUPS = ["admins", "auditors", "services", "nobody"] as const;
const SOME_ID = "00000000-0000-7000-8000-000000000001";

/** `contract/authz-matrix.txt`: what the groups of a new project may do, as the evaluator decides it. */
export function renderAuthzMatrix(
  operations: readonly Operation[],
  document: PolicySetJson = DEFAULT_POLICIES,
): string {
  const policies = new PolicySet(document);
  const rows = operations.map((operation) => [
    operation.name,
    ...GROUPS.map((group) => decide(policies, operation, group)),
  ]);
  return columns([["OPERATION", ...GROUPS], ...rows.sort(([a], [b]) => (a! < b! ? -1 : 1))]);
}

function decide(policies: PolicySet, operation: Operation, group: string): string {
  const principal = { ...CALLER, groups: group === "nobody" ? [] : [group] };
  const input = someInput(operation);
  const question = {
    principal,
    action: actionOf(operation),
    resource: resourceOf(operation, { input, principal }),
    context: {
      ...contextOf(operation, input),
      ...factsOf(principal, { address: "127.0.0.1", time_ms: 0 }),
    },
  };
  return policies.decide(requestOf(question)).outcome;
}

const CALLER: Principal = {
  type: "ServiceAccount",
  id: SOME_ID,
  accountId: SOME_ID,
  session: null,
  name: "caller",
  groups: [],
  tenantId: SOME_ID,
  organizationId: SOME_ID,
  projectName: "project",
  apiKeyId: SOME_ID,
  auth: { method: "api_key", tier: "T1", stepUpUntil_ms: null },
  expiresAt_ms: null,
  scoreMax: 1,
  revision: 0,
};

/** An input that has what policies may read. */
function someInput({ input }: Operation): unknown {
  const { schema, named } = jsonSchemaOf(input, "input");
  return exampleOf(schema, named);
}

/** Rows of words as a table: each column as wide as its longest word. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) =>
    row.map((word, at) => word.padEnd(widths[at]!)).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}
