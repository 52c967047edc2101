import { Refusal } from "#kernel/refusal.ts";
import type { CommandCall, Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { type LedgerFile, type LegacyLedger, readAgain, readLedger } from "../legacy-ledger.ts";
import { count, print } from "../print.ts";
import { Progress } from "../progress.ts";
import { usage } from "../refusals.ts";
import { type Session, withSession } from "../session.ts";

const BATCH_FILES = 500;
const BATCH_CHARACTERS = 400_000;

/**
 * Brings an earlier ledger's files into the vault. Without --confirm it only checks and reports; the checksum that it reports
 * is what --confirm wants, so that nothing is imported that was not shown before. It goes on where it was stopped.
 */
export const vault: Run = async (command) => {
  const [what, directory] = command.operands as [string, string];
  if (what !== "import") throw usage("vault", "it can import a ledger: vault import DIR");
  const { confirm, "dry-run": dry } = command.values;
  if (confirm !== undefined && dry === true)
    throw usage("vault", "give --dry-run or --confirm, not both");
  const mayHaveGaps = command.values["allow-gaps"] === true;
  const ledger = readLedger(directory, mayHaveGaps);
  if (confirm !== undefined && confirm !== ledger.checksum)
    throw otherLedger(String(confirm), ledger.checksum);
  return withSession(command, async (session) => {
    const there = await countThere(session, ledger);
    if (confirm === undefined) return report(command, ledger, there);
    return importAll(command, session, ledger, there, mayHaveGaps);
  });
};

function manifestOf({ files, head, checksum }: LegacyLedger) {
  return {
    entries: files.length,
    first_sequence: files[0]!.sequence,
    last_sequence: head.sequence,
    head_hash: head.entry_hash,
    merkle_root: head.merkle_root,
    checksum,
  };
}

/** How many of the ledger's entries the vault has: none, or those up to its newest, which must be one of them. */
async function countThere({ call }: Session, { files }: LegacyLedger): Promise<number> {
  const { output } = await call("vault.verdict.list", { limit: 1 });
  const [newest] = (output as { entries: { sequence: number; entry_hash: string }[] }).entries;
  if (newest === undefined) return 0;
  const { sequence, entry_hash } = newest;
  const place = files.findIndex((file) => file.sequence === sequence);
  if (files[place]?.entry_hash !== entry_hash) throw otherVault(sequence, entry_hash);
  return place + 1;
}

function report(command: CommandCall, ledger: LegacyLedger, there: number): number {
  const { directory, files, ignored, checksum } = ledger;
  const verdicts = Object.fromEntries(
    [...Map.groupBy(files, ({ verdict }) => verdict)].map(([name, of]) => [name, of.length]),
  );
  const manifest = manifestOf(ledger);
  print(
    command.json,
    { dry_run: true, directory, ...manifest, verdicts, ignored, already_imported: there },
    () =>
      [
        `${directory}: ${count(files.length)} entries, sequence ${manifest.first_sequence} to ${manifest.last_sequence}; every hash, the chain and the roots hold`,
        `  ${Object.entries(verdicts)
          .map(([name, of]) => `${name} ${count(of)}`)
          .join(", ")}`,
        `  head      ${manifest.head_hash}`,
        `  root      ${manifest.merkle_root}`,
        `  checksum  ${checksum}`,
        `  in the vault already: ${count(there)}; to import: ${count(files.length - there)}`,
        ...(ignored.length > 0 ? [`  not looked at: ${ignored.join(", ")}`] : []),
        "",
        "Nothing was changed. To import:",
        `  sealbase vault import ${directory} --confirm ${checksum}${command.values["allow-gaps"] === true ? " --allow-gaps" : ""}`,
      ].join("\n"),
  );
  return EXIT.done;
}

async function importAll(
  command: CommandCall,
  { call }: Session,
  ledger: LegacyLedger,
  there: number,
  mayHaveGaps: boolean,
): Promise<number> {
  const manifest = { ...manifestOf(ledger), allow_gaps: mayHaveGaps };
  const left = ledger.files.slice(there);
  const progress = new Progress("Entries", left.length);
  let done = 0;
  let last: { id: string; output: unknown } | undefined;
  for (const files of batches(ledger, left)) {
    last = await call("vault.legacy.import", { ...manifest, files });
    progress.update((done += files.length));
  }
  // Everything was there: counted and compared once more.
  last ??= await call("vault.legacy.import", { ...manifest, files: [] });
  progress.finish(done);
  const { valid } = (await call("vault.chain.verify", {})).output as { valid: boolean };
  const { complete } = last.output as { complete: boolean };
  const { allow_gaps: _, ...anchored } = manifest;
  const result = { imported: done, complete, valid, ...anchored, entry: last.id };
  print(command.json, result, () =>
    [
      `Imported ${count(done)} entries; ${count(manifest.entries)} are in the vault, counts and checksum agree, ${valid ? "the chain verifies" : "THE CHAIN DOES NOT VERIFY"}`,
      `Anchored in the project's log: sealbase receipt ${last.id}`,
    ].join("\n"),
  );
  return complete && valid ? EXIT.done : EXIT.refused;
}

/** Files in order, as many at once as one call should carry. */
function* batches(ledger: LegacyLedger, files: readonly LedgerFile[]) {
  let batch: { name: string; text: string }[] = [];
  let characters = 0;
  for (const file of files) {
    const text = readAgain(ledger, file);
    if (
      batch.length === BATCH_FILES ||
      (batch.length > 0 && characters + text.length > BATCH_CHARACTERS)
    ) {
      yield batch;
      [batch, characters] = [[], 0];
    }
    batch.push({ name: file.name, text });
    characters += text.length;
  }
  if (batch.length > 0) yield batch;
}

const otherLedger = (confirmed: string, found: string) =>
  new Refusal(
    "cli/ledger_not_confirmed",
    409,
    "The directory is not the one that was confirmed",
    { confirmed, found },
    "Run it without --confirm, look at what it reports, and confirm that checksum.",
  );

const otherVault = (sequence: number, entryHash: string) =>
  new Refusal(
    "cli/vault_not_of_ledger",
    409,
    "The vault's newest entry is none of this ledger",
    { sequence, entry_hash: entryHash },
    "Import into a project that has sealed nothing yet, or the rest of a ledger of which it has the beginning.",
  );
