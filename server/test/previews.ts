import { storeDisagreements } from "../src/domains/authz/replay/queries.ts";
import type { Caller, TestSystem } from "./system.ts";

/** Previews a version of a set to the end, and gives the preview's id. */
export async function leavePreview(
  caller: Pick<Caller, "call">,
  set: string,
  number: number,
): Promise<string> {
  const headers = { accept: "application/x-ndjson" };
  const { text } = await caller.call("POST", `/v1/policies/${set}/preview`, { number }, headers);
  return JSON.parse(text.trim().split("\n").at(-1)!).summary.id;
}

/** Leaves a decision that came out otherwise when it was replayed, which nothing but an edit could make. */
export async function leaveDisagreement({ parts }: TestSystem, tenantId: string): Promise<void> {
  const of = (letter: string) => ({ outcome: "deny", traceHash: letter.repeat(64) });
  const one = { decisionId: NOTHING, engine: "sealbase-est 2", expected: of("a"), found: of("b") };
  await parts.db.transaction({ role: "writer", tenantId }, (tx) =>
    storeDisagreements(tx, tenantId, NOTHING, [one], new Date(parts.clock()).toISOString()),
  );
}

const NOTHING = "00000000-0000-4000-8000-000000000000";
