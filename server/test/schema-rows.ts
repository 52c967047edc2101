import { createHash } from "node:crypto";
import pg from "pg";

export type Column = {
  column: string;
  type: string;
  optional: boolean;
  /** Check constraints that name the column. */
  checks: string[];
};

/** Of a public key of zeros. */
const NODE = `\\x${createHash("sha256").update(Buffer.alloc(32)).digest("hex").slice(0, 40)}`;

/** What `checks` cannot be read for. */
const VALUES: Record<string, string> = {
  node: NODE,
  relay: NODE,
  channels: "{entries}",
  every_s: "3600",
  position: "0.0",
  first: "0",
  past: "256",
  action_patterns: "{read:*}",
  alias: "a",
  allowed_methods: "{}",
  key_prefix: "000000000000",
  maintainers: "{}",
  name: "a",
  next_key: "b",
  period_end: "2100-01-01",
  prefix: "000000000000",
  public_keys: `{"\\\\x00"}`,
  relation: "uses",
  role: "member",
  rule_id: "a",
  slug: "a",
  table_name: "a.a",
  endorsers_total: "5",
  last_id: "00000000-0000-7000-8000-000000000001",
  hashes: `\\x${"00".repeat(8192)}`,
};

/**
 * Puts one row into a table that says nothing but keeps its checks; foreign keys and triggers sleep.
 * For tests that need every table to have a row.
 */
export async function insertRow(client: pg.Client, table: string, tenantId: string): Promise<void> {
  const columns = (await columnsOf(client, table)).filter(
    ({ column, optional }) =>
      !optional || (column === "last_id" && table === "ops.replay_checkpoints"),
  );
  const names = columns.map(({ column }) => pg.escapeIdentifier(column)).join(", ");
  const values = columns
    .map((column) => pg.escapeLiteral(valueOf(column, table, tenantId)))
    .join(", ");
  await client.query(`insert into ${table} (${names}) values (${values})`);
}

function valueOf({ column, type, checks }: Column, table: string, tenantId: string): string {
  if (column === "tenant_id" || (column === "id" && table === "control_plane.projects"))
    return tenantId;
  const choice = checks
    .map((check) => /^CHECK \(\(\w+ = (?:ANY \(ARRAY\[)?'([^']+)'/.exec(check)?.[1])
    .find(Boolean);
  if (choice !== undefined && !type.startsWith("_")) return choice;
  if (column === "endorsers")
    return `{${Array(5)
      .fill(`"\\\\x${"00".repeat(32)}"`)
      .join(",")}}`;
  // The first key follows none.
  if (column === "number" && table === "ledger.key_rollovers") return "2";
  if (column === "maintainers")
    return `{${["00", "01"].map((end) => `"\\\\x${"00".repeat(31)}${end}"`).join(",")}}`;
  if (type !== "_bytea" || column === "public_keys") {
    const value = VALUES[column];
    if (value !== undefined) return value;
  }
  const length = checks
    .map((check) => /^CHECK \(\(length\(\w+\) = (?:ANY \(ARRAY\[)?(\d+)/.exec(check)?.[1])
    .find(Boolean);
  switch (type) {
    case "bytea":
      return `\\x${"00".repeat(Number(length ?? 1))}`;
    case "uuid":
      return "00000000-0000-7000-8000-000000000001";
    case "bool":
      return "true";
    case "date":
    case "timestamptz":
      return "2026-01-01";
    case "jsonb":
      return "{}";
    case "text":
      return "a";
    case "int2":
    case "int4":
    case "int8":
    case "float8":
    case "numeric":
      return "1";
    default:
      if (type.startsWith("_")) return "{}";
      throw new Error(`${table}.${column}: no value is known for ${type}`);
  }
}

async function columnsOf(client: pg.Client, table: string): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `select attname as column, typname as type,
            not attnotnull or atthasdef or attidentity <> '' as optional,
            array(select pg_get_constraintdef(k.oid) from pg_constraint k
                   where k.conrelid = attrelid and k.contype = 'c' and attnum = any(k.conkey)) as checks
       from pg_attribute join pg_type t on t.oid = atttypid
      where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [table],
  );
  return rows;
}
