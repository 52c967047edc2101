import { binaryArray } from "./binary-array.ts";

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
  /** Content-addressed by its first column: a row that is there already is left alone, whichever call wrote it. */
  readonly shared: boolean;
}

export type Row<C extends Columns = Columns> = { readonly [Column in keyof C]: Value };

/** One row for one table. */
export interface Append {
  readonly table: AppendTable;
  readonly row: Row;
}

export const appendTable = <C extends Columns>(name: string, columns: C): AppendTable<C> => ({
  name,
  columns,
  shared: false,
});

export const sharedTable = <C extends Columns>(name: string, columns: C): AppendTable<C> => ({
  name,
  columns,
  shared: true,
});

export const rowOf = <C extends Columns>(table: AppendTable<C>, row: Row<C>): Append => ({
  table,
  row,
});

/** Rows of one table, and the number of the call that each belongs to. */
export interface TableRows {
  readonly rows: Row[];
  readonly calls: number[];
}

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
    return this.#unnest(
      names,
      names.map((name) =>
        this.#array(
          columns[name]!,
          rows.map((row) => row[name]),
        ),
      ),
    );
  }

  /**
   * Adds `insert into table …` for these rows as a step of the statement. `where` may leave rows out by `r."call"`.
   */
  insert(table: AppendTable, { rows, calls }: TableRows, tenant: string, where = ""): void {
    const names = Object.keys(table.columns);
    const selected = names.map((name) =>
      table.columns[name] === "text[]" ? `r."${name}"::text[]` : `r."${name}"`,
    );
    const arrays = names.map((name) =>
      this.#array(
        table.columns[name]!,
        rows.map((row) => row[name]),
      ),
    );
    const from =
      table.shared || where === ""
        ? this.#unnest(names, arrays)
        : `${this.#unnest([...names, "call"], [...arrays, this.#array("int4", calls)])} ${where}`;
    this.parts.push(
      `a${this.parts.length} as (insert into ${table.name} (tenant_id, ${names.map((n) => `"${n}"`).join(", ")}) ` +
        `select ${tenant}::uuid, ${selected.join(", ")} from ${from}${table.shared ? " on conflict do nothing" : ""})`,
    );
  }

  #unnest = (names: readonly string[], arrays: readonly string[]): string =>
    `unnest(${arrays.join(", ")}) as r(${names.map((n) => `"${n}"`).join(", ")})`;

  #array(type: ColumnType, values: readonly (Value | undefined)[]): string {
    const elements = type === "text[]" ? "text" : type;
    return `${this.value(arrayOf(type, values))}::${elements}[]`;
  }
}

/** The rows of several calls by table; a shared row that several of them bring comes once. */
export function byTable(
  calls: readonly { readonly rows: readonly Append[] }[],
): Map<AppendTable, TableRows> {
  const tables = new Map<AppendTable, TableRows>();
  const shared = new Set<string>();
  for (const [call, { rows }] of calls.entries()) {
    for (const { table, row } of rows) {
      if (table.shared && !isNew(shared, `${table.name} ${keyOf(table, row)}`)) continue;
      let found = tables.get(table);
      if (found === undefined) tables.set(table, (found = { rows: [], calls: [] }));
      found.rows.push(row);
      found.calls.push(call);
    }
  }
  return tables;
}

function keyOf({ columns }: AppendTable, row: Row): string {
  const key = row[Object.keys(columns)[0]!];
  return key instanceof Uint8Array
    ? Buffer.from(key.buffer, key.byteOffset, key.length).toString("hex")
    : String(key);
}

const isNew = (known: Set<string>, key: string): boolean => known.size < known.add(key).size;

/** A column as PostgreSQL reads it best: what may be long in binary form, what is short and plain as a literal. */
function arrayOf(type: ColumnType, values: readonly (Value | undefined)[]): Buffer | string {
  switch (type) {
    case "text":
    case "bytea":
      return binaryArray(
        type,
        values.map((value) => (value ?? null) as string | Uint8Array | null),
      );
    case "text[]":
      return binaryArray(
        "text",
        values.map((value) =>
          value == null ? null : `{${(value as readonly string[]).map(quoted).join(",")}}`,
        ),
      );
    case "timestamptz":
      return `{${values.map((value) => (value == null ? "NULL" : `"${value as string}"`)).join(",")}}`;
    default:
      return `{${values.map((value) => value ?? "NULL").join(",")}}`;
  }
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
