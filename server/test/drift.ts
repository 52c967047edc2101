import { watchDrift } from "#domains/authz";
import { storeFindings } from "../src/domains/authz/drift/queries.ts";
import type { TestSystem } from "./system.ts";

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
