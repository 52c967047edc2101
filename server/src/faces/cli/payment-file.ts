import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { CsvError, parse } from "csv-parse";
import { Refusal } from "#kernel/refusal.ts";
import type { PaymentField } from "./payment-columns.ts";

/** A line of a file, as an input of `risk.transaction.assess`. */
export interface PaymentRow {
  /** From 0, the header not counted. */
  readonly number: number;
  readonly input: Readonly<Record<string, unknown>>;
  /** The file's own label, when it has one. */
  readonly fraud: boolean | undefined;
}

/** Reads a CSV file with a header, packed with gzip or not, row by row. */
export async function* readPayments(
  file: string,
  columns: Readonly<Record<PaymentField, string>>,
): AsyncGenerator<PaymentRow> {
  const parser = parse({
    columns: true,
    bom: true,
    skip_empty_lines: true,
    relax_column_count: false,
  });
  const bytes = createReadStream(file);
  const text = file.endsWith(".gz") ? bytes.pipe(createGunzip()) : bytes;
  for (const stream of new Set([bytes, text]))
    stream.on("error", (error: Error) => parser.destroy(error));
  text.pipe(parser);
  let number = 0;
  try {
    for await (const record of parser as AsyncIterable<Record<string, string>>) {
      if (number === 0) refuseMissing(file, record, columns);
      yield {
        number,
        input: inputOf(record, columns, number),
        fraud: labelOf(record[columns.fraud]),
      };
      number++;
    }
  } catch (error) {
    if (
      error instanceof CsvError ||
      (error as NodeJS.ErrnoException).code?.startsWith("Z_") === true
    )
      throw unreadable(file, number, error as Error);
    throw error;
  }
}

const REQUIRED = ["type", "amount", "origin_account", "destination_account"] as const;

function refuseMissing(
  file: string,
  record: Record<string, string>,
  columns: Readonly<Record<PaymentField, string>>,
): void {
  const missing = REQUIRED.filter((field) => record[columns[field]] === undefined);
  if (missing.length === 0) return;
  throw new Refusal(
    "cli/missing_columns",
    400,
    `${file} lacks columns`,
    { missing: missing.map((field) => columns[field]), found: Object.keys(record) },
    `Name the columns: ${missing.map((field) => `--column-${field.replaceAll("_", "-")} NAME`).join(" ")}`,
  );
}

function inputOf(
  record: Record<string, string>,
  columns: Readonly<Record<PaymentField, string>>,
  number: number,
) {
  const text = (field: PaymentField) => record[columns[field]] || undefined;
  const cents = (field: PaymentField) => {
    const amount = text(field);
    return amount === undefined ? undefined : centsOf(amount, columns[field], number);
  };
  const input = {
    external_id: text("external_id"),
    type: text("type"),
    amount_cents: cents("amount"),
    origin_account: text("origin_account"),
    origin_before_cents: cents("origin_before"),
    origin_after_cents: cents("origin_after"),
    destination_account: text("destination_account"),
    destination_before_cents: cents("destination_before"),
    destination_after_cents: cents("destination_after"),
  };
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

/** Decimal text to cents, exactly: no number in between that could round. */
export function centsOf(text: string, column: string, number: number): number {
  const [, whole, fraction = ""] = /^(\d+)(?:\.(\d*))?$/.exec(text.trim()) ?? [];
  if (whole === undefined || fraction.slice(2).replaceAll("0", "") !== "")
    throw new Refusal(
      "cli/bad_row",
      400,
      `Row ${number + 1} has an amount that is no number of cents`,
      { row: number + 1, column, value: text.slice(0, 100) },
      "Correct the row; everything before it is done.",
    );
  return Number(whole + fraction.slice(0, 2).padEnd(2, "0"));
}

function labelOf(text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return undefined;
  return text === "1" || text.toLowerCase() === "true";
}

const unreadable = (file: string, number: number, error: Error) =>
  new Refusal(
    "cli/bad_file",
    400,
    `${file} cannot be read as CSV after row ${number}`,
    { row: number, cause: error.message },
    "Correct the file; everything before that row is done.",
  );
