import { DEFAULT_POLICIES } from "../server/src/domains/authz/default-policies.ts";
import type { PolicyDocument } from "../server/src/domains/authz/document.ts";
import { Evaluator } from "../server/src/domains/authz/evaluate.ts";
import { exampleOf } from "../server/src/faces/example.ts";
import { jsonSchemaOf } from "../server/src/faces/json-schema.ts";
import {
  actionOf,
  contextOf,
  type Operation,
  type Principal,
  resourceOf,
} from "../server/src/pipeline/index.ts";

const GROUPS = ["admins", "auditors", "services", "nobody"] as const;
const SOME_ID = "00000000-0000-7000-8000-000000000001";

/** `contract/authz-matrix.txt`: what the groups of a new project may do, as the evaluator decides it. */
export function renderAuthzMatrix(
  operations: readonly Operation[],
  document: PolicyDocument = DEFAULT_POLICIES,
): string {
  const evaluator = new Evaluator(document);
  const rows = operations.map((operation) => [
    operation.name,
    ...GROUPS.map((group) => decide(evaluator, operation, group)),
  ]);
  return columns([["OPERATION", ...GROUPS], ...rows.sort(([a], [b]) => (a! < b! ? -1 : 1))]);
}

function decide(evaluator: Evaluator, operation: Operation, group: string): string {
  const principal = { ...CALLER, groups: group === "nobody" ? [] : [group] };
  const input = someInput(operation);
  return evaluator.evaluate({
    principal,
    action: actionOf(operation),
    resource: resourceOf(operation, { input, principal }),
    context: contextOf(operation, input),
  }).outcome;
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
