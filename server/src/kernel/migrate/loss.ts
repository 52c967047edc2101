import pg from "pg";
import type { Migration } from "./files.ts";
import { refuse } from "./refusals.ts";
import { enterMigratorRole } from "./role.ts";

/** Looks at every step before the first is taken; empty tables are not a loss. */
export async function refuseToLoseData(
  client: pg.Client,
  steps: readonly Migration[],
): Promise<void> {
  const losing: string[] = [];
  for (const { number, down } of steps) {
    for (const table of down.marks.losesData) {
      if (await hasRows(client, number, table)) losing.push(table);
    }
  }
  if (losing.length > 0) throw refuse.wouldLoseData(losing.sort());
}

/** Asked in the owner's role: row-level security would hide all rows from another. */
async function hasRows(client: pg.Client, number: number, table: string): Promise<boolean> {
  const { rows: found } = await client.query(`select where to_regclass($1) is not null`, [table]);
  if (found.length === 0) return false;
  await client.query("begin");
  try {
    await enterMigratorRole(client, number, "local");
    const name = table.split(".").map(pg.escapeIdentifier).join(".");
    const { rows } = await client.query(`select from ${name} limit 1`);
    return rows.length > 0;
  } finally {
    await client.query("rollback");
  }
}
