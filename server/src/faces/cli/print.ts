import { once } from "node:events";

/** Prints a result: as JSON, or as the lines that people read. */
export function print(json: boolean, value: unknown, lines: () => string): void {
  process.stdout.write(
    `${json ? JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0) : lines()}\n`,
  );
}

/** Says what happens while a command runs: an event a line as JSON, or the text that people read. */
export type Tell = (event: Readonly<Record<string, unknown>>, text: string) => void;

export const teller =
  (json: boolean): Tell =>
  (event, text) =>
    void process.stdout.write(`${json ? JSON.stringify(event) : text}\n`);

/** One line of JSON an item, the next asked for once what reads them took the last; to the end, or until nobody reads. */
export async function printLines(items: AsyncIterable<unknown>): Promise<void> {
  const out = process.stdout;
  for await (const item of items) {
    if (!out.writable) return;
    if (!out.write(`${JSON.stringify(item)}\n`)) await once(out, "drain").catch(unlessUnread);
  }
}

/** What reads the output may leave before its end, as `head` does: the command then goes on unread, and is no bug. */
export function unlessUnread(error: Error): void {
  if (!("code" in error) || error.code !== "EPIPE") throw error;
}

/** Rows under a header, columns as wide as they need; numbers to the right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const all = [header, ...rows.map((row) => row.map(String))];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const numeric = header.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number"),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [
    line(header),
    widths.map((width) => "─".repeat(width)).join("  "),
    ...all.slice(1).map(line),
  ].join("\n");
}

export const count = (n: number): string => n.toLocaleString("en-US");
