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
import { unreadableFile } from "../refusals.ts";
import { type Session, withSession } from "../session.ts";

export const verify: Run = (command) =>
  command.operands.length === 0 ? verifyLog(command) : verifyFile(command);

interface Report {
  readonly valid: boolean;
  readonly entries: number;
  /** Entries below it are in archives. */
  readonly minimum: number;
  readonly checkpoints: number;
  readonly root: string;
  readonly findings: readonly { readonly kind: string; readonly message: string }[];
}

const verifyLog: Run = (command) =>
  withSession(command, async (session) => {
    const report = (await session.call("ledger.log.verify", {})).output as Report;
    const archived = await inArchives(command, session);
    const shown = archived === undefined ? report : { ...report, archived };
    print(command.json, shown, () => logText(report, archived));
    return report.valid ? EXIT.done : EXIT.refused;
  });

/** With --archive DIR: how many entries its files hold, each as the log sealed it. */
async function inArchives(command: CommandCall, session: Session): Promise<number | undefined> {
  const dir = command.values["archive"];
  if (typeof dir !== "string") return undefined;
  const { verifyArchives } = await import("./archive.ts");
  return verifyArchives(command, session, dir);
}

const logText = (
  { valid, entries, minimum, checkpoints, root, findings }: Report,
  archived: number | undefined,
): string =>
  [
    `${valid ? "verified" : "NOT VERIFIED"}: ${entries} entries, ${checkpoints} checkpoints, root ${root}`,
    ...(minimum > 0 ? [archivedText(minimum, archived)] : []),
    ...findings.map(({ kind, message }) => `  ${kind}: ${message}`),
  ].join("\n");

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
