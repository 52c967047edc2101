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
import { withSession } from "../session.ts";

export const verify: Run = (command) =>
  command.operands.length === 0 ? verifyLog(command) : verifyFile(command);

interface Report {
  readonly valid: boolean;
  readonly entries: number;
  readonly checkpoints: number;
  readonly root: string;
  readonly findings: readonly { readonly kind: string; readonly message: string }[];
}

const verifyLog: Run = (command) =>
  withSession(command, async ({ call }) => {
    const report = (await call("ledger.log.verify", {})).output as Report;
    print(command.json, report, () => logText(report));
    return report.valid ? EXIT.done : EXIT.refused;
  });

const logText = ({ valid, entries, checkpoints, root, findings }: Report): string =>
  [
    `${valid ? "verified" : "NOT VERIFIED"}: ${entries} entries, ${checkpoints} checkpoints, root ${root}`,
    ...findings.map(({ kind, message }) => `  ${kind}: ${message}`),
  ].join("\n");

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
