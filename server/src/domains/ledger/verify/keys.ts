import { type LogKeyVersion, logKeyVersions } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import {
  decodeEntry,
  type Entry,
  equalBytes,
  keyLabel,
  leafHash,
  nextKeyOf,
  parseVerifierKey,
  ROLLOVER_KIND,
  verifyCheckpoint,
} from "#verifier";
import { readStoredRollovers, type StoredRollover } from "../keys/queries.ts";
import { type Checkpoint, readCheckpoints } from "../queries.ts";
import { storedHashes } from "../tree.ts";
import type { Finding } from "./report.ts";

/** From checkpoints above `index` on, one of these keys signs. */
export interface RolloverPlace {
  readonly index: number;
  /** `name+hash` of the key that follows, and of those after it. */
  readonly labels: readonly string[];
}

/** What an entry says of which key follows which. */
interface Handover {
  readonly previous: string;
  readonly next: string;
}

/**
 * Whether the log itself names its keys. The table of public keys is not believed: each key but the first has to be named by
 * an entry, which the key before it has sealed under the first checkpoint that covers it, wherever verification begins; and rows
 * of rollovers say what their entries say, one for each.
 */
export class KeyAudit {
  /** Keys that checkpoints are checked with; those that nobody named are findings. */
  readonly keys: readonly string[];
  readonly rollovers: readonly RolloverPlace[];
  readonly #versions: readonly LogKeyVersion[];
  readonly #rows: ReadonlySet<string>;
  readonly #handovers: Handover[];
  readonly #findings: Finding[] = [];

  private constructor(versions: readonly LogKeyVersion[], rows: readonly Row[]) {
    this.keys = versions.map(({ key }) => key);
    this.#versions = versions;
    this.#rows = new Set(rows.map(({ entryId }) => entryId));
    const numbers = new Map(versions.map(({ number, key }) => [number, key]));
    const sealed = rows.filter((row) => row.handover !== undefined);
    this.#handovers = sealed.map(({ handover }) => handover!);
    for (const { number, nextKey, previousKey, handover } of rows)
      if (
        handover?.next !== nextKey ||
        handover.previous !== previousKey ||
        numbers.get(number) !== nextKey
      )
        this.#find(
          "rollover_changed",
          `the rollover to key ${number} is stored otherwise than an entry says`,
        );
    for (const { handover, covering } of sealed)
      if (covering !== undefined && !isEndorsed(covering, handover!.previous))
        this.#find(
          "rollover_unendorsed",
          `the first checkpoint that covers the rollover to ${labelOf(handover!.next)} was not signed by the key before`,
          covering.size,
        );
    const labels = sealed.map(({ handover }) => labelOf(handover!.next));
    this.rollovers = sealed.flatMap(({ index }, i) =>
      index === null ? [] : [{ index, labels: labels.slice(i) }],
    );
  }

  /** Entries from `begin` up are verified with the log; those below are held to the stored tree of so many. */
  static async open(tx: Tx, origin: string, begin: number): Promise<KeyAudit> {
    const [versions, rows] = [await logKeyVersions(tx, origin), await readStoredRollovers(tx)];
    const hashAt = storedHashes(tx, begin);
    const isPlaced = async ({ index, entry }: StoredRollover) =>
      index === null ||
      index >= begin ||
      equalBytes(leafHash(entry!), await hashAt(0, index).catch(() => new Uint8Array()));
    const read = [];
    for (const row of rows)
      read.push({
        ...row,
        handover: (await isPlaced(row)) ? handoverIn(row, origin) : undefined,
        covering: row.index === null ? undefined : await readCovering(tx, row.index),
      });
    return new KeyAudit(versions, read);
  }

  /** An entry as it is verified. */
  entry(id: string, index: number, entry: Entry): void {
    if (entry.kind !== ROLLOVER_KIND || this.#rows.has(id)) return;
    const handover = handoverOf(entry);
    if (handover !== undefined) this.#handovers.push(handover);
    this.#find("rollover_changed", `entry ${index} names the next key, and no row says so`, index);
  }

  /** What was found, once every entry that was asked for has been seen. */
  finish(): readonly Finding[] {
    const [first, ...later] = this.#versions;
    const next = new Set(this.#handovers.map((handover) => handover.next));
    const previous = new Set(this.#handovers.map((handover) => handover.previous));
    for (const { number, key } of later)
      if (!next.has(key))
        this.#find("key_unsealed", `no entry of the log names its key ${number}, ${labelOf(key)}`);
    if (
      first !== undefined &&
      previous.size > 0 &&
      (next.has(first.key) || !previous.has(first.key))
    )
      this.#find(
        "key_unsealed",
        `the log's first key, ${labelOf(first.key)}, is not the one that named the next`,
      );
    return this.#findings;
  }

  #find(kind: string, message: string, at: number | null = null): void {
    this.#findings.push({ kind, at, message });
  }
}

type Row = StoredRollover & {
  readonly handover: Handover | undefined;
  /** Undefined until one is signed. */
  readonly covering: Checkpoint | undefined;
};

async function readCovering(tx: Tx, index: number): Promise<Checkpoint | undefined> {
  const [first] = await readCheckpoints(tx, { above: index, upTo: Number.MAX_SAFE_INTEGER }, 1);
  return first;
}

/** Without it nobody who trusts the key before can follow to the next. */
function isEndorsed({ size, note }: Checkpoint, previous: string): boolean {
  const signed = verifyCheckpoint(note, [previous]);
  return signed.ok && signed.size === size;
}

function handoverIn({ entry }: StoredRollover, origin: string): Handover | undefined {
  if (entry === null) return undefined;
  try {
    const decoded = decodeEntry(entry);
    return decoded.log === origin ? handoverOf(decoded) : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when it names no next key, or none that could sign. */
function handoverOf(entry: Entry): Handover | undefined {
  const [previous, next] = [entry.refs["previous_key"], nextKeyOf(entry)];
  if (previous === undefined || next === undefined) return undefined;
  try {
    parseVerifierKey(next);
    return { previous, next };
  } catch {
    return undefined;
  }
}

const labelOf = (key: string): string => keyLabel(parseVerifierKey(key));

/** Whether a checkpoint bears no signature of a key that was the log's at its size. */
export const isReplaced = (
  signers: readonly string[],
  size: number,
  rollovers: readonly RolloverPlace[],
): boolean =>
  rollovers.some(
    ({ index, labels }) => size > index && !signers.some((signer) => labels.includes(signer)),
  );
