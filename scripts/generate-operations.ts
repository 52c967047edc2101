import type { Operation } from "../server/src/pipeline/index.ts";

/** `contract/operations.txt`: what the system can do, one line each. */
export function renderOperations(operations: readonly Operation[]): string {
  const rows = operations.map(({ name, kind, rest, score, manyMax, status }) => [
    name,
    kind,
    rest,
    String(status ?? 200),
    score === "none" ? "not scored" : "scored",
    manyMax === undefined ? "one" : `up to ${manyMax}`,
  ]);
  const head = ["OPERATION", "KIND", "REST", "STATUS", "SCORE", "INPUTS A CALL"];
  return columns([head, ...rows.sort(([a], [b]) => (a! < b! ? -1 : 1))]);
}

/** Rows of words as a table: each column as wide as its longest word. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) =>
    row.map((word, at) => word.padEnd(widths[at]!)).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}
