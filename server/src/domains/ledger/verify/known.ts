import type { Tx } from "#kernel/db.ts";
import {
  CompactRange,
  parseJson,
  rangePlan,
  type TrustedKey,
  toHex,
  type Verifier,
  verifyCheckpoint,
} from "#verifier";
import { readCheckpoints } from "../queries.ts";
import { sinceUnknown } from "../refusals.ts";
import { storedHashes } from "../tree.ts";
import type { KeyAudit } from "./keys.ts";
import type { Finding, Since } from "./report.ts";

/** What a verification goes by: keys, and the state that was verified before. */
export interface Known {
  /** All that sign the log's checkpoints. */
  readonly keys: readonly TrustedKey[];
  /** The log's own keys, and which followed which. */
  readonly keyAudit: KeyAudit;
  /** Witnesses. */
  readonly cosigners: readonly Verifier[];
  readonly since: Since;
  /** Entries below it are in archives. */
  readonly minimum: number;
  /** From the beginning to the end, at once. */
  readonly isWhole: boolean;
}

/** The tree of the entries that were verified before, and whether it is still the one that it was. */
export async function beginning(
  tx: Tx,
  { keys, since: { size, root } }: Pick<Known, "keys" | "since">,
): Promise<{ range: CompactRange; finding?: Finding }> {
  if (size === 0) return { range: new CompactRange() };
  const range = await treeAt(tx, size);
  const expected = root ?? (await rootOfCheckpoint(tx, size, keys));
  const found = toHex(range.root());
  if (expected === undefined || expected === found) return { range };
  const message = `the first ${size} entries are not the ones that were verified before`;
  return { range, finding: { kind: "history_changed", at: size, message, expected, found } };
}

/** The tree of the first entries, from tiles. */
export async function treeAt(tx: Tx, size: number): Promise<CompactRange> {
  const hashAt = storedHashes(tx, size);
  const nodes = rangePlan(0, size).map(({ level, index }) => hashAt(level, index));
  return CompactRange.restore(size, await Promise.all(nodes));
}

/** What was signed at this size: the columns beside the note are not believed. Undefined when nobody of these signed; that is a finding of its own. */
async function rootOfCheckpoint(
  tx: Tx,
  size: number,
  keys: readonly TrustedKey[],
): Promise<string | undefined> {
  const [checkpoint] = await readCheckpoints(tx, { above: size - 1, upTo: size }, 1);
  if (checkpoint === undefined) throw sinceUnknown(size);
  const signed = verifyCheckpoint(checkpoint.note, keys);
  return signed.ok && signed.size === size
    ? Buffer.from(signed.root, "base64").toString("hex")
    : undefined;
}

/** Base64 of the root in the checkpoint that a payload of the root log holds; empty when it holds none. */
export function rootOfNote(payload: string | null): string {
  try {
    const { checkpoint } = parseJson(payload ?? "") as { checkpoint: string };
    return checkpoint.split("\n")[2] ?? "";
  } catch {
    return "";
  }
}

/** Undefined when the hashes are not those of a log of this size. */
export function rootOfHead(size: number, hashes: readonly Uint8Array[]): Uint8Array | undefined {
  try {
    return CompactRange.restore(size, hashes).root();
  } catch {
    return undefined;
  }
}
