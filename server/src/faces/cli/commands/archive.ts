import { verifiersOf } from "#verifier";
import { ArchiveFolder } from "../archive/folder.ts";
import { type ArchivingLog, firstSince, readArchives } from "../archive/log.ts";
import { type Restored, restoreLog, verifyBelow } from "../archive/restore.ts";
import { archiveLog, type Wanted, type Written } from "../archive/write.ts";
import type { CommandCall } from "../command.ts";
import { EXIT } from "../exit.ts";
import { count, print } from "../print.ts";
import { Progress } from "../progress.ts";
import { usage } from "../refusals.ts";
import { type Session, withSession } from "../session.ts";
import { withMlDsa } from "./log-keys.ts";

const DAY_MS = 86_400_000;

/** `ledger archive DIR`: the oldest entries into files, verified, then out of the database. */
export async function archive(command: CommandCall, dir: string): Promise<number> {
  const folder = await ArchiveFolder.take(dir);
  try {
    return await withLog(command, async (log) => {
      const bar = barOf("archived");
      const written = await archiveLog(log, folder, await wanted(command, log), bar.update);
      bar.finish(written.minimum - written.first);
      print(command.json, written, () => writtenText(written, dir));
    });
  } finally {
    await folder.release();
  }
}

/** `ledger restore DIR`: archives back into the database, verified before anything is written. */
export const restore = (command: CommandCall, dir: string): Promise<number> =>
  withLog(command, async (log) => {
    const bar = barOf("restored");
    const downTo = wholeOf(command, "down-to") ?? 0;
    const restored = await restoreLog(log, ArchiveFolder.at(dir), downTo, bar.update);
    bar.finish(restored.entries);
    print(command.json, restored, () => restoredText(restored));
  });

/** Every archive down to the log's first entry, against what the log sealed; how many entries they hold. */
export async function verifyArchives(
  command: CommandCall,
  session: Session,
  dir: string,
): Promise<number> {
  const log = await logOf(command, session);
  const archived = await readArchives(log);
  const minimum = archived[0]?.minimum ?? 0;
  const below = { archived, minimum, downTo: 0, all: true };
  const verified = await verifyBelow(log, ArchiveFolder.at(dir), below);
  return verified.reduce((sum, { first, past }) => sum + Math.min(past, minimum) - first, 0);
}

async function withLog(
  command: CommandCall,
  work: (log: ArchivingLog) => Promise<void>,
): Promise<number> {
  await withSession(command, async (session) => work(await logOf(command, session)));
  return EXIT.done;
}

async function logOf(command: CommandCall, session: Session): Promise<ArchivingLog> {
  const { output } = await session.call("ledger.checkpoint.get", {});
  const { log, keys, second_keys } = output as Record<"keys" | "second_keys", string[]> & {
    log: string;
  };
  const given = command.values["log-key"];
  const trusted = Array.isArray(given) && given.length > 0 ? given : [...keys, ...second_keys];
  return { session, origin: log, verifiers: verifiersOf(await withMlDsa(trusted)) };
}

async function wanted(command: CommandCall, log: ArchivingLog): Promise<Wanted> {
  const below = wholeOf(command, "below");
  const days = wholeOf(command, "older-than");
  if ((below === undefined) === (days === undefined))
    throw usage("ledger", "archive takes --below INDEX or --older-than DAYS");
  const { output } = await log.session.call("ledger.checkpoint.get", {});
  const { size } = output as { size: number };
  if (below !== undefined) return { below, published: size };
  const from = (await readArchives(log))[0]?.minimum ?? 0;
  const since_ms = log.session.system.parts.clock() - days! * DAY_MS;
  return { below: await firstSince(log, { from, size }, since_ms), published: size };
}

function wholeOf({ values }: CommandCall, option: string): number | undefined {
  const given = values[option];
  if (given === undefined) return undefined;
  const number = Number(given);
  if (typeof given === "string" && /^\d+$/.test(given) && Number.isSafeInteger(number))
    return number;
  throw usage("ledger", `--${option} takes a whole number`);
}

/** A bar that begins when it is known how much there is. */
function barOf(label: string) {
  let bar: Progress | undefined;
  return {
    update(done: number, all: number) {
      bar ??= new Progress(`entries ${label}`, all);
      bar.update(done);
    },
    finish: (done: number) => bar?.finish(done),
  };
}

const writtenText = ({ log, first, minimum, manifests }: Written, dir: string): string =>
  [
    log,
    `${count(minimum - first)} entries (${first} to ${minimum - 1}) are in ${dir}, verified, and no longer in the database; minimum index ${minimum}`,
    ...manifests.map((manifest) => `  ${manifest}`),
    "Keep the folder: without it these entries cannot be shown, only proven to be part of the log.",
  ].join("\n");

const restoredText = ({ log, minimum, entries }: Restored): string =>
  `${log}\n${count(entries)} entries are back; minimum index ${minimum}`;
