import { expect } from "vitest";
import type { Db } from "#kernel/db.ts";
import { Indexer } from "../../src/domains/ledger/search/indexer.ts";
import { type Caller, payment, type TestSystem } from "../system.ts";

export type Asked = { readonly [name: string]: string | undefined };

/** Ids on all pages, in the order in which they came. */
export async function listed(caller: Caller, asked: Asked, limit = 200): Promise<string[]> {
  const ids: string[] = [];
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  const query = new URLSearchParams({
    ...Object.fromEntries(given),
    limit: String(limit),
  } as never);
  for (;;) {
    const { status, body } = await caller.call("GET", `/v1/ledger/entries?${query.toString()}`);
    expect([status, body.code]).toEqual([200, undefined]);
    expect(body.items.length).toBeLessThanOrEqual(limit);
    ids.push(...body.items.map(({ id }: { id: string }) => id));
    if (body.next_cursor === null) return ids;
    query.set("cursor", body.next_cursor);
  }
}

/** Indexes a project's log as far as it is. */
export const indexLog = (system: TestSystem, { projectId }: Caller, db: Db = system.parts.db) =>
  new Indexer({ db, log: system.parts.log }).index(projectId);

/** How many entries of a project are indexed. */
export const sizeIndexed = async (system: TestSystem, { projectId }: Caller): Promise<number> => {
  const [row] = await system.sql<{ size: string }>(
    "select size from ledger.indexed where tenant_id = $1",
    [projectId],
  );
  return Number(row?.size ?? 0);
};

export async function pay(caller: Caller, count: number, more: object = {}): Promise<void> {
  for (let left = count; left > 0; left -= 1_000) {
    const payments = Array.from({ length: Math.min(left, 1_000) }, () => payment(more));
    expect((await caller.call("POST", "/v1/risk/transactions", payments)).status).toBe(207);
  }
}
