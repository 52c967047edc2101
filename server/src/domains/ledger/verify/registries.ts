import { type RowText, sealedRows } from "#domains/registries";
import type { Entry } from "#verifier";
import type { SealedPayload } from "../values.ts";
import type { Finding } from "./report.ts";

/** What is wrong with the rows that a call put into the registries; null when nothing is. */
export function registryFinding(
  index: number,
  { action, outcome, time }: Entry,
  payload: SealedPayload,
  rows: readonly RowText[] = [],
): Finding | null {
  const { request, outcome: done } = payload;
  const call = { action, time, input: request?.input, output: done?.output };
  const sealed = outcome === "done" ? sealedRows(call) : [];
  if (textOf(sealed) === textOf(rows)) return null;
  const message = `what entry ${index} put into the registries is not there as it was sealed`;
  return { kind: "registry_changed", at: index, message };
}

const textOf = (rows: readonly RowText[]): string =>
  rows
    .map((row) => JSON.stringify(row))
    .toSorted()
    .join("\n");
