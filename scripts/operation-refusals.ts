import type { Operation } from "../server/src/pipeline/index.ts";
import { refusalsByOperation } from "./reachable.ts";
import type { FoundRefusal } from "./refusals.ts";

/** Codes by HTTP status, sorted. */
export type ByStatus = Readonly<Record<string, readonly string[]>>;

/** Where what any call can meet is refused: reading it, the pipeline, the database under it. */
const COMMON = [
  /^server\/src\/pipeline\//,
  /^server\/src\/kernel\/database-refusals\.ts$/,
  /^server\/src\/faces\/(invoke|rest\/.*)\.ts$/,
  /^server\/src\/domains\/(authz\/policy|control-plane\/authenticate)\.ts$/,
];
const COMMON_CODES = new Set(["request/unauthenticated"]);

/** Refusals of these are about some operations only. */
const ONLY: Readonly<Record<string, (operation: Operation) => boolean>> = {
  "score/too_risky": ({ score }) => score !== "none",
  "request/bad_idempotency_key": isWrite,
  "request/idempotency_conflict": isWrite,
  "policy/not_for_agents": ({ agents }) => agents === "never",
  "policy/not_in_session": isWrite,
  "policy/approval_needed": isWrite,
  "action/changed": ({ current }) => current !== undefined,
  "request/no_precondition": ({ current }) => current === undefined,
  "request/too_many_streams": isStream,
  "request/not_acceptable": isStream,
  "request/bad_count": ({ manyMax }) => manyMax !== undefined,
  "seal/outcome_unknown": isWrite,
  // About paths, not about an operation.
  "request/unknown_route": () => false,
  "request/method_not_allowed": () => false,
};

function isWrite({ kind }: Operation): boolean {
  return kind === "write";
}
function isStream({ kind }: Operation): boolean {
  return kind === "stream";
}

/** What each operation can answer instead of its output: by operation, by status. */
export function operationRefusals(
  operations: readonly Operation[],
  refusals: readonly FoundRefusal[],
): Record<string, ByStatus> {
  const known = new Map(refusals.map((refusal) => [refusal.code, refusal]));
  const common = refusals.filter(
    ({ code, where }) => COMMON_CODES.has(code) || COMMON.some((pattern) => pattern.test(where)),
  );
  const sealing = refusals.filter(
    ({ code, where }) => code.startsWith("seal/") && where.includes("/ledger/"),
  );
  const own = refusalsByOperation();
  const entries = [...operations]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((operation) => {
      const codes = new Set([
        ...common.map(({ code }) => code),
        ...(isWrite(operation) ? sealing.map(({ code }) => code) : []),
        ...(own.get(operation.name) ?? []),
      ]);
      const met = [...codes].filter((code) => ONLY[code]?.(operation) ?? true).sort();
      const byStatus = Map.groupBy(met, (code) => String(known.get(code)?.status ?? 500));
      return [operation.name, Object.fromEntries([...byStatus].sort())] as const;
    });
  return Object.fromEntries(entries);
}
