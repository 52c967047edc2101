import { logVerifierKeys } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import {
  CompactRange,
  keyLabel,
  parseJson,
  parseVerifierKey,
  rangePlan,
  type TrustedKey,
  toHex,
  type Verifier,
} from "#verifier";
import { readRollovers } from "./keys/queries.ts";
import { readCheckpoints, readPlaces } from "./queries.ts";
import { sinceUnknown } from "./refusals.ts";
import { storedHashes } from "./tree.ts";
import type { Finding, Since } from "./verify.ts";

/** What a verification goes by: keys, and the state that was verified before. */
export interface Known {
  readonly keys: readonly TrustedKey[];
  readonly rollovers: readonly RolloverPlace[];
  /** Witnesses. */
  readonly cosigners: readonly Verifier[];
  readonly since: Since;
  /** Entries below it are in archives. */
  readonly minimum: number;
  /** From the beginning to the end, at once. */
  readonly isWhole: boolean;
}

/** From checkpoints above `index` on, one of these keys signs. */
interface RolloverPlace {
  readonly index: number;
  /** `name+hash` of the key that follows, and of those after it. */
  readonly labels: readonly string[];
}

/** A log's keys, and from where on the older ones count no more. */
export async function keysOf(
  tx: Tx,
  origin: string,
): Promise<{ keys: string[]; rollovers: RolloverPlace[] }> {
  const keys = await logVerifierKeys(tx, origin);
  const stored = await readRollovers(tx);
  const places = new Map(
    (
      await readPlaces(
        tx,
        stored.map(({ entryId }) => entryId),
      )
    ).map(({ id, index }) => [id, index]),
  );
  const labelOf = (key: string) => keyLabel(parseVerifierKey(key));
  const rollovers = stored.flatMap(({ entryId }, i) => {
    const index = places.get(entryId);
    const labels = stored.slice(i).map(({ nextKey }) => labelOf(nextKey));
    return index === undefined ? [] : [{ index, labels }];
  });
  return { keys, rollovers };
}

/** Whether a checkpoint bears no signature of a key that was the log's at its size. */
export const isReplaced = (
  signers: readonly string[],
  size: number,
  rollovers: readonly RolloverPlace[],
): boolean =>
  rollovers.some(
    ({ index, labels }) => size > index && !signers.some((signer) => labels.includes(signer)),
  );

/** The tree of the entries that were verified before, and whether it is still the one that it was. */
export async function beginning(
  tx: Tx,
  { size, root }: Since,
): Promise<{ range: CompactRange; finding?: Finding }> {
  if (size === 0) return { range: new CompactRange() };
  const range = await treeAt(tx, size);
  const expected = root ?? (await rootOfCheckpoint(tx, size));
  const found = toHex(range.root());
  if (expected === found) return { range };
  const message = `the first ${size} entries are not the ones that were verified before`;
  return { range, finding: { kind: "history_changed", at: size, message, expected, found } };
}

/** The tree of the first entries, from tiles. */
export async function treeAt(tx: Tx, size: number): Promise<CompactRange> {
  const hashAt = storedHashes(tx, size);
  const nodes = rangePlan(0, size).map(({ level, index }) => hashAt(level, index));
  return CompactRange.restore(size, await Promise.all(nodes));
}

async function rootOfCheckpoint(tx: Tx, size: number): Promise<string> {
  const [checkpoint] = await readCheckpoints(tx, { above: size - 1, upTo: size }, 1);
  if (checkpoint === undefined) throw sinceUnknown(size);
  return toHex(checkpoint.root);
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
