import { readFileSync } from "node:fs";
import { RECEIPT_HEADER, verifyCheckpoint, verifyReceipt } from "#verifier";
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
  const result = text.startsWith(RECEIPT_HEADER)
    ? verifyReceipt(text, await keys(command))
    : verifyCheckpoint(text, await keys(command));
  print(command.json, result, () =>
    result.ok
      ? `verified: ${"index" in result ? `entry ${result.index as number} of ${result.size}` : `checkpoint at ${result.size}`} in ${result.origin}`
      : `NOT VERIFIED (${result.code}): ${result.message}\n→ ${result.help}`,
  );
  return result.ok ? EXIT.done : EXIT.refused;
};

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
