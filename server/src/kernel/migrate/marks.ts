import { refuse } from "./refusals.ts";

/** What the first comment lines of a migration tell the runner, each as `-- sealbase: mark`. */
export type Marks = {
  /** Builds that do not know this migration must not serve the database any more. */
  breaking: boolean;
  /** False for what Postgres refuses in a transaction; such a file must bear being run twice. */
  transaction: boolean;
  lock_timeout_ms: number;
  statement_timeout_ms: number;
  /** In a down: tables whose rows it destroys. */
  losesData: string[];
};

const LOCK_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 300_000;

export function readMarks(path: string, text: string): Marks {
  const marks: Marks = {
    breaking: false,
    transaction: true,
    lock_timeout_ms: LOCK_TIMEOUT_MS,
    statement_timeout_ms: STATEMENT_TIMEOUT_MS,
    losesData: [],
  };
  for (const line of text.split("\n")) {
    if (!line.startsWith("--")) break;
    const mark = /^-- sealbase:\s*(.*?)\s*$/.exec(line)?.[1];
    if (mark === undefined) continue;
    const timeout = /^(lock_timeout_ms|statement_timeout_ms)=(\d+)$/.exec(mark);
    const tables = /^loses-data\s+(.+)$/.exec(mark)?.[1]?.split(/[\s,]+/);
    if (mark === "breaking") marks.breaking = true;
    else if (mark === "no-transaction") marks.transaction = false;
    else if (timeout) marks[timeout[1] as "lock_timeout_ms"] = Number(timeout[2]);
    else if (tables?.every((table) => /^[a-z_]\w*\.[a-z_]\w*$/.test(table)))
      marks.losesData.push(...tables);
    else throw refuse.badFile(path, `the runner knows no mark "${mark}".`);
  }
  return marks;
}
