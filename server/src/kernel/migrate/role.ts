import type pg from "pg";

/**
 * Everything after the first migration belongs to `sealbase_migrator`, which the first one makes: whoever runs
 * the migrations, the owner is the same.
 */
export async function enterMigratorRole(
  client: pg.Client,
  number: number,
  span: "local" | "session",
): Promise<void> {
  if (number <= 1) return;
  const { rows } = await client.query(`select from pg_roles where rolname = 'sealbase_migrator'`);
  if (rows.length > 0) await client.query(`set ${span} role sealbase_migrator`);
}
