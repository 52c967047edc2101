import { expect } from "vitest";
import { watchDrift } from "#domains/authz";
import { storeFindings } from "../src/domains/authz/drift/queries.ts";
import type { Caller, TestSystem } from "./system.ts";

const DAY_MS = 86_400_000;

/** Counts a project's decisions up to now as if the day had ended, and adds a finding, which would take a week to come. */
export async function leaveDrift({ parts, sql }: TestSystem, tenantId: string): Promise<void> {
  const watch = watchDrift({ db: parts.db, clock: () => parts.clock() + 2 * DAY_MS });
  const { effect } = await watch({
    id: "",
    tenantId,
    payload: {},
    attempt: 1,
    signal: new AbortController().signal,
    progress() {},
  });
  await parts.db.transaction({ role: "writer", tenantId }, async (tx) => effect?.(tx));
  const [window] = await sql<{ id: string; day: string; hash: string }>(
    `select w.id, w.day::text, min(encode(c.cell_hash, 'hex')) as hash from authz.drift_windows w
     join authz.drift_window_cells c on c.window_id = w.id where w.tenant_id = $1 group by 1, 2`,
    [tenantId],
  );
  const { id, day, hash } = window!;
  const cell = { hash, cohort: 'User["readers"]', action: "doc.page.read", resourceType: "Doc" };
  const facts = { allowed: 1, denied: 0, errors: 0 };
  const finding = { day, kind: "first_allowed", cell, since: null, facts } as const;
  await parts.db.transaction({ role: "writer", tenantId }, (tx) =>
    storeFindings(tx, tenantId, id, [finding], new Date(parts.clock()).toISOString()),
  );
}

/** Watches until nothing is left to count, and gives what each job said. */
export async function watched(
  { sql }: TestSystem,
  caller: Caller,
): Promise<Record<string, unknown>[]> {
  const { status, body } = await caller.call("POST", "/v1/drift/watches", {});
  expect([status, body.topic]).toEqual([202, "authz.drift"]);
  for (;;) {
    // Not by calls, which would be decisions of the day, too.
    const jobs = await sql<{ status: string; error: string | null; result: string }>(
      "select status, error, result from ops.outbox where tenant_id = $1 and topic = 'authz.drift' and id >= $2 order by id",
      [caller.projectId, body.id],
    );
    expect(jobs.flatMap(({ error }) => error ?? [])).toEqual([]);
    if (jobs.every((job) => job.status === "done"))
      return jobs.map(({ result }): Record<string, unknown> => JSON.parse(result));
  }
}
