import { Refusal } from "#kernel/refusal.ts";
import { VerifyError, verifiersOf } from "#verifier";
import type { CommandCall, Run } from "../command.ts";
import { ENTRY_FILTERS } from "../entry-filters.ts";
import { EXIT } from "../exit.ts";
import { MirrorFiles } from "../mirror/files.ts";
import { type Mirrored, type Mirroring, mirrorLog } from "../mirror/mirror.ts";
import { httpSource, projectSource } from "../mirror/source.ts";
import { count, print, printLines } from "../print.ts";
import { Progress } from "../progress.ts";
import { usage } from "../refusals.ts";
import { withSession } from "../session.ts";
import { withMlDsa } from "./log-keys.ts";

/** What is done with a log as files and lines. */
export const ledger: Run = async (command) => {
  const [what, dir] = command.operands;
  if (what === "export" && dir === undefined) return exportEntries(command);
  if (dir === undefined)
    throw usage("ledger", "it takes mirror DIR, archive DIR, restore DIR, or export");
  if (what === "mirror") return mirrorTo(command, dir);
  const { archive, restore } = await import("./archive.ts");
  if (what === "archive") return archive(command, dir).catch(asRefusal);
  if (what === "restore") return restore(command, dir).catch(asRefusal);
  throw usage("ledger", "it takes mirror DIR, archive DIR, restore DIR, or export");
};

/** `ledger mirror DIR`: a copy of a log as static files, verified while it is made. */
async function mirrorTo(command: CommandCall, dir: string): Promise<number> {
  const files = await MirrorFiles.take(dir);
  try {
    const mirrored = await mirror(command, files).catch(asRefusal);
    print(command.json, mirrored, () => textOf(mirrored, dir));
    return EXIT.done;
  } finally {
    await files.release();
  }
}

/** Lines for a file, read no faster than they are written. */
const exportEntries: Run = (command) =>
  withSession(command, async ({ follow }) => {
    const names = [...Object.keys(ENTRY_FILTERS), "after"];
    const given = names.map((name) => [name, command.values[name]] as const);
    const input = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    const { signal } = new AbortController();
    await printLines(await follow("ledger.entry.export", input, { signal }));
    return EXIT.done;
  });

async function mirror(command: CommandCall, files: MirrorFiles): Promise<Mirrored> {
  const { from, hashes } = command.values as { from?: string; hashes?: boolean };
  const given = (command.values["log-key"] ?? []) as readonly string[];
  const run = async (source: Mirroring["source"], vkeys: readonly string[]) => {
    let bar: Progress | undefined;
    const verifiers = verifiersOf(await withMlDsa(vkeys));
    const progress = (leaves: number, size: number) => {
      bar ??= new Progress("leaves", size);
      bar.update(leaves);
    };
    const mirrored = await mirrorLog({
      source,
      files,
      verifiers,
      entries: hashes !== true,
      progress,
    });
    bar?.finish(mirrored.size);
    return mirrored;
  };
  if (from !== undefined) {
    if (!URL.canParse(from) || !/^https?:$/.test(new URL(from).protocol))
      throw usage("ledger", "--from takes an address, such as https://host/log/PROJECT");
    if (given.length === 0) throw usage("ledger", "--from wants the log's key: --log-key VKEY");
    // The key of the first start is this machine's own: another one gets a key only when it is given.
    const key = command.values["key"] ?? process.env["SEALBASE_KEY"];
    return run(httpSource(from, key as string | undefined), given);
  }
  return withSession(command, async (session) => {
    if (given.length > 0) return run(projectSource(session), given);
    const { output } = await session.call("ledger.checkpoint.get", {});
    const { keys, second_keys } = output as { keys: string[]; second_keys: string[] };
    return run(projectSource(session), [...keys, ...second_keys]);
  });
}

const unverified = ({ code, message, help }: VerifyError) =>
  new Refusal("verify/log_unverified", 409, message, { code }, help);

/** What the verifier does not believe, as a refusal of this program. */
function asRefusal(error: unknown): never {
  if (error instanceof VerifyError) throw unverified(error);
  throw error;
}

const textOf = ({ log, size, previous_size, root, entries }: Mirrored, dir: string): string =>
  [
    log,
    `${count(size)} ${entries ? "entries" : "hashes"} in ${dir}, ${count(size - previous_size)} of them new; root ${root}`,
    `verified: entries, tiles, root, signature, and that the log only grew`,
    `check it again: sealbase-verify ${dir} --key VKEY`,
  ].join("\n");
