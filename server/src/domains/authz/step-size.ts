import {
  clauseText,
  conjuncts,
  type Expression,
  type Policy,
  partsOf,
  pathsOf,
} from "./engine/index.ts";

/** What one policy takes of a trace: its step, and its id once more, among the reasons or the errors; commas. */
export function stepBytes(policy_id: string, { effect, conditions }: Policy): number {
  const clauses = conditions.flatMap(({ kind, body }) =>
    conjuncts(body).map((part) => ({
      kind,
      clause: clauseText(part),
      holds: "error",
      error: longestError(part),
      reads: Object.fromEntries(pathsOf(part).map(({ text }) => [text, DIGEST])),
    })),
  );
  const scope = { principal: false, resource: false };
  const step = { policy_id, effect, outcome: "no_match", ...scope, conditions: clauses };
  return bytesOf(step) + bytesOf(policy_id) + 2;
}

const DIGEST = "0".repeat(64);
/** Longer than every message that names nothing of a policy or a request. */
const ERROR = "-".repeat(120);

/** Failures name attributes, and at most this much of an entity or type. */
function longestError(node: Expression): string {
  const { attr } = (Object.values(node)[0] ?? {}) as { attr?: unknown };
  const own = typeof attr === "string" ? `attribute ${attr} is missing` : "";
  return [own, ERROR, ...partsOf(node).map(longestError)].reduce(
    (longest, each) => (bytesOf(each) > bytesOf(longest) ? each : longest),
    "",
  );
}

/** Of canonical JSON: only the order of fields is another. */
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
