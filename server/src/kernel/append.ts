type ColumnType =
  | "uuid"
  | "text"
  | "text[]"
  | "bytea"
  | "int2"
  | "int4"
  | "int8"
  | "numeric"
  | "bool"
  | "timestamptz";
export type Value = string | number | boolean | Uint8Array | readonly string[] | null;

type Columns = Readonly<Record<string, ColumnType>>;

/** A table that calls only add rows to; `tenant_id` is not among the columns, the transaction gives it. */
export interface AppendTable<C extends Columns = Columns> {
  readonly name: string;
  readonly columns: C;
  /** Content-addressed: a row that is there already is left alone, and it does not matter which call wrote it. */
  readonly shared: boolean;
}

export type Row<C extends Columns = Columns> = { readonly [Column in keyof C]: Value };

/** One row for one table. */
export interface Append {
  readonly table: AppendTable;
  readonly row: Row;
}

export const appendTable = <C extends Columns>(name: string, columns: C): AppendTable<C> => ({ name, columns, shared: false });

export const sharedTable = <C extends Columns>(name: string, columns: C): AppendTable<C> => ({ name, columns, shared: true });

export const rowOf = <C extends Columns>(table: AppendTable<C>, row: Row<C>): Append => ({
  table: table as unknown as AppendTable,
  row,
});

/** SQL that one statement is put together from, with its values counted along. */
export class StatementBuilder {
  readonly values: unknown[] = [];
  readonly parts: string[] = [];

  value(value: unknown): string {
    return `$${this.values.push(value)}`;
  }

  /** `unnest($2::uuid[], $3::text[]) as r("call", id, name)`: one array a column, whatever the number of rows. */
  rows(columns: Columns, rows: readonly Row[]): string {
    const names = Object.keys(columns);
    const arrays = names.map((name) => {
      const type = columns[name]!;
      const elements = type === "text[]" ? "text" : type;
      return `${this.value(arrayLiteral(rows, name, type))}::${elements}[]`;
    });
    return `unnest(${arrays.join(", ")}) as r(${names.map((n) => `"${n}"`).join(", ")})`;
  }

  /** Adds `insert into table …` for these rows as a step of the statement. `where` may leave rows out by `r."call"`. */
  insert(table: AppendTable, rows: readonly Row[], tenant: string, where = ""): void {
    const names = Object.keys(table.columns);
    const selected = names.map((name) => (table.columns[name] === "text[]" ? `r."${name}"::text[]` : `r."${name}"`));
    this.parts.push(
      `a${this.parts.length} as (insert into ${table.name} (tenant_id, ${names.map((n) => `"${n}"`).join(", ")}) ` +
        `select ${tenant}::uuid, ${selected.join(", ")} from ${this.rows({ ...table.columns, call: "int4" }, rows)} ` +
        `${table.shared ? "on conflict do nothing" : where})`,
    );
  }
}

/** Rows by table, each with the number of the call that it belongs to. */
export function byTable(appends: readonly (Append & { readonly call: number })[]): Map<AppendTable, Row[]> {
  const tables = new Map<AppendTable, Row[]>();
  for (const { table, row, call } of appends) {
    const rows = tables.get(table);
    if (rows === undefined) tables.set(table, [{ ...row, call }]);
    else rows.push({ ...row, call });
  }
  return tables;
}

/** A PostgreSQL array literal; written here because the driver's own one is generic and slow on the hot path. */
function arrayLiteral(rows: readonly Row[], name: string, type: ColumnType): string {
  let literal = "{";
  for (let i = 0; i < rows.length; i++) {
    if (i > 0) literal += ",";
    const value = rows[i]![name];
    literal += value === null || value === undefined ? "NULL" : element(value, type);
  }
  return `${literal}}`;
}

function element(value: Exclude<Value, null>, type: ColumnType): string {
  switch (type) {
    case "bytea":
      return `"\\\\x${hex(value as Uint8Array)}"`;
    case "text":
      return quoted(value as string);
    case "text[]":
      return quoted(`{${(value as readonly string[]).map(quoted).join(",")}}`);
    case "timestamptz":
      return `"${value}"`;
    default:
      return String(value);
  }
}

const SPECIAL = /["\\]/;
const quoted = (text: string): string =>
  SPECIAL.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : `"${text}"`;

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
