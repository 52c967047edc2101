import { createHash } from "node:crypto";
import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "#kernel/refusal.ts";
import { fromUtf8, readV1File, V1Chain, type V1File, type V1Head } from "#verifier";
import { unreadableFile } from "./refusals.ts";

/** What is known of a file once it was read; its text is read again when it is needed. */
export interface LedgerFile extends Omit<V1File, "fields" | "text"> {
  readonly name: string;
  /** SHA-256 of its bytes, hex. */
  readonly hash: string;
  readonly prev_hash: string;
  readonly verdict: string;
}

/** A whole ledger of format v1, checked from its first entry to its last. */
export interface LegacyLedger {
  readonly directory: string;
  /** In the order of their sequence. */
  readonly files: readonly LedgerFile[];
  /** Names that do not end with .json: they are not looked at. */
  readonly ignored: readonly string[];
  readonly head: V1Head;
  /** SHA-256 of what `sha256sum *.json` prints, hex. */
  readonly checksum: string;
}

/** Server and dry run take the same names, so that `sha256sum` writes them as they are. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,249}\.json$/;

/** Reads every file of a directory and checks that they are one chain. Opens for reading only; refuses by file and reason. */
export function readLedger(directory: string, mayHaveGaps: boolean): LegacyLedger {
  const all = list(directory);
  const found = all.filter(({ name }) => name.endsWith(".json"));
  const files = found
    .map((entry) => readOne(directory, entry))
    .sort((a, b) => a.sequence - b.sequence);
  const [first] = files;
  if (first === undefined) throw badLedger(directory, "it has no .json file");
  const chain = new V1Chain();
  for (const file of files) {
    const expected = chain.head.sequence + 1;
    if (file.sequence < expected)
      throw badLedger(file.name, `sequence ${file.sequence} is that of another file, too`);
    const reason = chain.add(file);
    if (file.sequence > expected && (reason !== undefined || !mayHaveGaps))
      throw badLedger(file.name, gap(expected, file.sequence, reason === undefined));
    if (reason !== undefined) throw badLedger(file.name, reason);
  }
  const ignored = all.filter(({ name }) => !name.endsWith(".json")).map(({ name }) => name);
  return { directory, files, ignored, head: chain.head, checksum: checksumOf(files) };
}

/** The text of a file that was checked before; refuses when it is another one now. */
export function readAgain({ directory }: LegacyLedger, { name, hash }: LedgerFile): string {
  const bytes = bytesOf(directory, name);
  if (sha256(bytes) !== hash) throw badLedger(name, "it changed while it was imported");
  return fromUtf8(bytes);
}

function readOne(directory: string, entry: Dirent): LedgerFile {
  const { name } = entry;
  if (!NAME.test(name))
    throw badLedger(name, "its name has more than letters, digits, dots, dashes and underscores");
  if (!entry.isFile()) throw badLedger(name, "it is not a regular file");
  const bytes = bytesOf(directory, name);
  const { fields, text: _, ...file } = parse(name, bytes);
  const { prev_hash, verdict } = fields;
  return { ...file, name, hash: sha256(bytes), prev_hash, verdict };
}

function parse(name: string, bytes: Uint8Array): V1File {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    throw badLedger(name, "it is not UTF-8");
  }
  try {
    return readV1File(text);
  } catch (error) {
    throw badLedger(name, (error as Error).message);
  }
}

function list(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    throw unreadableFile(directory, error);
  }
}

function bytesOf(directory: string, name: string): Uint8Array {
  try {
    return readFileSync(join(directory, name));
  } catch (error) {
    throw unreadableFile(join(directory, name), error);
  }
}

const sha256 = (data: Uint8Array | string): string =>
  createHash("sha256").update(data).digest("hex");

const checksumOf = (files: readonly LedgerFile[]): string =>
  sha256(
    files
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, hash }) => `${hash}  ${name}\n`)
      .join(""),
  );

const gap = (expected: number, sequence: number, chainHolds: boolean): string =>
  `sequence ${sequence} where ${expected} comes next${chainHolds ? "; the chain holds, so the number may have been left out: --allow-gaps" : ""}`;

const badLedger = (file: string, reason: string) =>
  new Refusal(
    "cli/bad_ledger",
    400,
    "This is no ledger of format v1 that holds; nothing was imported",
    { file, reason },
    "Get the file from a backup of the ledger, or keep the ledger as it is, as evidence.",
  );
