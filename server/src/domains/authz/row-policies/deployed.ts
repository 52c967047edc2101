import type { StoredRowPolicy } from "./queries.ts";

/** A row policy as the catalog has it. */
export interface Found {
  readonly policy: string;
  /** Null when the policy does not call its function. */
  readonly function: string | null;
  readonly bodyHash: string | null;
  readonly permissive: boolean;
  readonly command: string;
  readonly roles: readonly string[];
  readonly using: string | null;
  readonly checked: string | null;
  /** How the call of its function may be written, with its schema or without. */
  readonly calls: readonly string[];
  /** A stable SQL function with the rights and settings of whoever asks. */
  readonly plain: boolean;
  readonly enabled: boolean;
  readonly forced: boolean;
  /** Permissive policies beside it for the same command that were not compiled here: what they allow is allowed. */
  readonly others: readonly string[];
}

export interface Comparison {
  readonly state: "deployed" | "missing" | "drifted";
  readonly differences: readonly Difference[];
}

export const DIFFERENCES = [
  "function_body",
  "function_kind",
  "policy_command",
  "policy_roles",
  "policy_text",
  "policy_restrictive",
  "row_security_off",
  "row_security_not_forced",
  "other_policies",
] as const;
export type Difference = (typeof DIFFERENCES)[number];

/** What is deployed against what was compiled. */
export function compare(
  compiled: Pick<StoredRowPolicy, "bodyHash" | "command" | "roles">,
  found: Found | { readonly policy: null },
): Comparison {
  if (found.policy === null) return { state: "missing", differences: [] };
  const { command } = compiled;
  const isCall = (text: string | null) => text !== null && found.calls.includes(text);
  const uses = command === "insert" ? found.using === null : isCall(found.using);
  const checks =
    command === "insert" || command === "update" ? isCall(found.checked) : found.checked === null;
  const roles = compiled.roles.length === 0 ? ["public"] : compiled.roles.toSorted();
  const tests: Readonly<Record<Difference, boolean>> = {
    function_body: found.function !== null && found.bodyHash !== compiled.bodyHash,
    function_kind: found.function !== null && !found.plain,
    policy_command: found.command !== command,
    policy_roles: found.roles.join("\0") !== roles.join("\0"),
    policy_text: found.function === null || !uses || !checks,
    policy_restrictive: !found.permissive,
    row_security_off: !found.enabled,
    row_security_not_forced: !found.forced,
    other_policies: found.others.length > 0,
  };
  const differences = DIFFERENCES.filter((name) => tests[name]);
  return { state: differences.length === 0 ? "deployed" : "drifted", differences };
}
