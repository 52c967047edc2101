import { readFileSync } from "node:fs";
import {
  FORK_HEADER,
  RECEIPT_HEADER,
  verifyCheckpoint,
  verifyFork,
  verifyReceipt,
} from "#verifier";
import type { CommandCall, Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { print } from "../print.ts";
import { Progress } from "../progress.ts";
import { badSince, unreadableFile } from "../refusals.ts";
import { type Session, withSession } from "../session.ts";

export const verify: Run = (command) =>
  command.operands.length === 0 ? verifyLog(command) : verifyFile(command);

interface Finding {
  readonly kind: string;
  readonly at: number | null;
  readonly message: string;
  readonly expected?: string;
  readonly found?: string;
}

interface Report {
  readonly valid: boolean;
  readonly complete: boolean;
  readonly size: number;
  readonly entries: number;
  /** Entries below it are in archives. */
  readonly minimum: number;
  readonly checkpoints: number;
  readonly cosignatures: number;
  readonly sealed_heads: number;
  readonly root: string;
  readonly first: Finding | null;
  readonly findings: readonly Finding[];
}

/** Entries of one call: a call is one transaction, and a transaction of hours would keep PostgreSQL from cleaning up. */
const STEP = 20_000;
const SINCE = /^(\d{1,15})(?::([0-9a-f]{64}))?$/;

/** Step by step: how far it is, and where to go on, is known at any time. */
const verifyLog: Run = (command) =>
  withSession(command, async (session) => {
    const { call } = session;
    const log = command.values["root"] === true ? "root" : "own";
    const ask = async (since: object): Promise<Report> =>
      (await call("ledger.log.verify", { log, ...since, entries_max: STEP })).output as Report;
    const since = sinceOf(command.values["since"]);
    const progress = new Progress("entries", undefined);
    let report = await ask(since);
    let total = totalOf(undefined, report);
    const leave = () => {
      process.stderr.write(`\nGo on with: sealbase verify --since ${placeOf(report)}\n`);
      process.exit(EXIT.refused);
    };
    process.once("SIGINT", leave);
    while (!report.complete && report.valid) {
      progress.update(total.entries);
      report = await ask({ since_size: report.size, since_root: report.root });
      total = totalOf(total, report);
    }
    process.off("SIGINT", leave);
    progress.finish(total.entries);
    const archived = await inArchives(command, session);
    const all = { ...report, ...total, ...(archived === undefined ? {} : { archived }) };
    print(command.json, all, () => logText(all, archived));
    return report.valid ? EXIT.done : EXIT.refused;
  });

/** With --archive DIR: how many entries its files hold, each as the log sealed it. */
async function inArchives(command: CommandCall, session: Session): Promise<number | undefined> {
  const dir = command.values["archive"];
  if (typeof dir !== "string") return undefined;
  const { verifyArchives } = await import("./archive.ts");
  return verifyArchives(command, session, dir);
}

function sinceOf(given: unknown): object {
  if (typeof given !== "string") return {};
  const match = SINCE.exec(given);
  if (match === null) throw badSince(given);
  const [, size, root] = match;
  return { since_size: Number(size), ...(root === undefined ? {} : { since_root: root }) };
}

/** What all steps together have verified. */
function totalOf(before: Pick<Report, Counted> | undefined, step: Report): Pick<Report, Counted> {
  const sum = (name: Counted) => (before?.[name] ?? 0) + step[name];
  return {
    entries: sum("entries"),
    checkpoints: sum("checkpoints"),
    cosignatures: sum("cosignatures"),
    sealed_heads: sum("sealed_heads"),
  };
}

type Counted = "entries" | "checkpoints" | "cosignatures" | "sealed_heads";

const placeOf = ({ size, root }: Report): string => `${size}:${root}`;

const logText = (report: Report, archived: number | undefined): string => {
  const { valid, entries, minimum, checkpoints, cosignatures, sealed_heads, findings, first } =
    report;
  const seen = `${entries} entries, ${checkpoints} checkpoints, ${cosignatures} cosignatures, ${sealed_heads} heads in the root log`;
  return [
    `${valid ? "verified" : "NOT VERIFIED"}: ${seen}, root ${report.root}`,
    ...(minimum > 0 ? [archivedText(minimum, archived)] : []),
    ...(first === null
      ? [`next time: sealbase verify --since ${placeOf(report)}`]
      : firstText(first)),
    ...findings
      .filter((finding) => finding !== first)
      .map(({ kind, message }) => `  ${kind}: ${message}`),
  ].join("\n");
};

const firstText = ({ kind, at, message, expected, found }: Finding): string[] => [
  `first wrong place${at === null ? "" : ` ${at}`}: ${kind}: ${message}`,
  ...(expected === undefined ? [] : [`  expected ${expected}`]),
  ...(found === undefined ? [] : [`  found    ${found}`]),
];

const archivedText = (minimum: number, archived: number | undefined): string =>
  archived === undefined
    ? `  entries below ${minimum} are in archives: of them hashes and checkpoints, no values (--archive DIR reads the files)`
    : `  entries below ${minimum} are in archives: ${archived} read from files, with their payloads`;

/** Needs the log's key only: given with --log-key nothing is opened. */
const verifyFile: Run = async (command) => {
  const text = read(command.operands[0]!);
  const file = command.values["policy"];
  const policy = typeof file === "string" ? read(file) : undefined;
  const checked = check(text, await keys(command), policy);
  print(command.json, checked.result, () =>
    checked.result.ok
      ? `verified: ${checked.says} in ${checked.result.origin}`
      : `NOT VERIFIED (${checked.result.code}): ${checked.result.message}\n→ ${checked.result.help}`,
  );
  return checked.result.ok ? EXIT.done : EXIT.refused;
};

function check(text: string, vkeys: string[], policy: string | undefined) {
  if (text.startsWith(RECEIPT_HEADER)) {
    const result = verifyReceipt(text, vkeys, policy);
    return { result, says: result.ok ? `entry ${result.index} of ${result.size}` : "" };
  }
  if (text.startsWith(FORK_HEADER))
    return { result: verifyFork(text, vkeys, policy), says: "two histories" };
  const result = verifyCheckpoint(text, vkeys, policy);
  return { result, says: result.ok ? `checkpoint at ${result.size}` : "" };
}

async function keys(command: CommandCall): Promise<string[]> {
  const given = command.values["log-key"];
  if (typeof given === "string") return [given];
  return withSession(
    command,
    async ({ call }) =>
      ((await call("ledger.checkpoint.get", {})).output as { keys: string[] }).keys,
  );
}

function read(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw unreadableFile(file, error);
  }
}
