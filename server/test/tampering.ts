import { expect } from "vitest";
import { type Caller, payment, type TestSystem } from "./system.ts";

/** Logs of payments, what verification finds in them, and SQL of whoever owns the database. */
export function tampering(system: () => TestSystem) {
  /** A project whose log has `count` payments, each with a decision and a score. */
  async function logOf(count = 5): Promise<Caller> {
    const caller = await system().project();
    const body = Array.from({ length: count }, (_, i) => payment({ amount_cents: 1_000 + i }));
    // The first alone, so that there is more than one checkpoint.
    await caller.call("POST", "/v1/risk/transactions", body[0]);
    const { body: rest } = await caller.call("POST", "/v1/risk/transactions", body.slice(1));
    expect(rest.results.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
    expect(await findings(caller)).toEqual([]);
    return caller;
  }

  async function findings(caller: Caller): Promise<string[]> {
    const { body } = await caller.call("POST", "/v1/ledger/verify");
    const kinds = body.findings.map(({ kind }: { kind: string }) => kind);
    expect(body.valid).toBe(kinds.length === 0);
    return kinds;
  }

  /** SQL of someone who owns the database; `$1` is the project. */
  const run = (caller: Caller, ...statements: string[]) =>
    statements.reduce<Promise<unknown>>(
      (before, text) => before.then(() => system().sql(text, [caller.projectId])),
      Promise.resolve(),
    );

  return { logOf, findings, run };
}
