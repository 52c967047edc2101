import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { readConfig } from "#kernel/config.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { CommandCall, Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { PAYMENT_COLUMNS, type PaymentField } from "../payment-columns.ts";
import { type PaymentRow, readPayments } from "../payment-file.ts";
import { print, teller } from "../print.ts";
import { Progress } from "../progress.ts";
import { unreadableFile, usage } from "../refusals.ts";
import { type Session, withSession } from "../session.ts";
import { showProof } from "../show-proof.ts";
import { Tally, type TallyState, tallyText } from "../tally.ts";

const CONCURRENT = 256;
const SAVE_MS = 1_000;

/** Where an import stands: every row below `rows` is done. */
interface State {
  readonly rows: number;
  readonly tally: TallyState;
}

/**
 * Runs every row of a file through the pipeline. Its place is kept in the data folder once a second, by the file's hash;
 * rows after that place carry an Idempotency-Key, so that none is recorded twice when it goes on after a crash.
 */
export const importFile: Run = async (command) => {
  const [what, file] = command.operands as [string, string];
  if (what !== "transactions") throw usage("import", "only transactions can be imported");
  const hash = await hashOf(file);
  const stateFile = join(readConfig().dataDir, "imports", `${hash}.json`);
  return withSession(command, async (session) => {
    const state = command.values["again"] === true ? undefined : load(stateFile);
    const tally = new Tally(state?.tally);
    await run(session, readPayments(file, columnsOf(command)), {
      hash,
      stateFile,
      tally,
      rowsDone: state?.rows ?? 0,
    });
    print(
      command.json,
      { file, rows: tally.total, ...tally.state },
      () => `\n${tallyText(tally)}\n`,
    );
    if (!command.json) await showProof(session, tally, teller(false));
    return EXIT.done;
  });
};

async function run(
  { call }: Session,
  rows: AsyncIterable<PaymentRow>,
  {
    hash,
    stateFile,
    tally,
    rowsDone,
  }: { hash: string; stateFile: string; tally: Tally; rowsDone: number },
): Promise<void> {
  if (rowsDone > 0) process.stderr.write(`Going on after row ${rowsDone}\n`);
  const progress = new Progress("Rows", undefined);
  let taken = rowsDone;
  let saved_ms = performance.now();
  let batch: Promise<void>[] = [];
  const settle = async () => {
    await Promise.all(batch);
    batch = [];
    progress.update(taken - rowsDone);
    if (performance.now() - saved_ms < SAVE_MS) return;
    save(stateFile, { rows: taken, tally: tally.state });
    saved_ms = performance.now();
  };
  for await (const { number, input, fraud } of rows) {
    if (number < rowsDone) continue;
    const options = {
      idempotencyKey: `import-${hash.slice(0, 32)}-${number}`,
      acknowledge: "durable" as const,
    };
    batch.push(
      tally.add(
        call("risk.transaction.assess", input, options).catch((error) => atRow(number, error)),
        fraud,
      ),
    );
    taken = number + 1;
    if (batch.length === CONCURRENT) await settle();
  }
  await settle();
  save(stateFile, { rows: taken, tally: tally.state });
  progress.finish(taken - rowsDone);
}

/** A row that is no transaction stops the import and says where. */
function atRow(number: number, error: unknown): never {
  if (error instanceof Refusal && error.code === "request/invalid")
    throw new Refusal(
      "cli/bad_row",
      400,
      `Row ${number + 1} is no transaction`,
      { row: number + 1, ...error.facts },
      "Correct the row, or map the columns with --column-…; everything before it is done.",
    );
  throw error;
}

function columnsOf({ values }: CommandCall): Record<PaymentField, string> {
  const fields = Object.keys(PAYMENT_COLUMNS) as PaymentField[];
  return Object.fromEntries(
    fields.map((field) => [
      field,
      values[`column-${field.replaceAll("_", "-")}`] ?? PAYMENT_COLUMNS[field],
    ]),
  ) as Record<PaymentField, string>;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    throw unreadableFile(file, error);
  }
  return hash.digest("hex");
}

function load(file: string): State | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whole or not at all. */
function save(file: string, state: State): void {
  mkdirSync(join(file, ".."), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}
