import { query, type Tx } from "#kernel/db.ts";
import { turns } from "#kernel/turns.ts";
import type { Ledger, Revision, StreamCall } from "#pipeline";
import { type HashAt, inclusionProof } from "#verifier";
import type { Checkpoint } from "../queries.ts";
import { offsetUnknown, unpublished } from "../refusals.ts";
import { storedHashes } from "../tree.ts";
import { readPublished, readPublishedCheckpoints } from "../witness/published.ts";
import type { Filter } from "./attributes.ts";
import { findEntries } from "./search.ts";

const ENTRIES_MAX = 128;
/** Of a page's entries and payloads; one entry may be larger. */
const BYTES_MAX = 2 ** 20;
/** Pages that are read at once, so that many exports leave connections for calls. */
const READS_AT_ONCE_MAX = 3;

/** How far an export is: under the checkpoint of this size, before the place `next`, `count` entries given. */
export interface Progress {
  readonly size: number;
  readonly next: number;
  readonly count: number;
}

export const OFFSET = /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})$/;

export const formatOffset = ({ size, next, count }: Progress): string => `${size}.${next}.${count}`;

export function parseOffset(text: string): Progress {
  const [, size, next, count] = OFFSET.exec(text)!;
  return { size: Number(size), next: Number(next), count: Number(count) };
}

/** One of the three, and nothing of the others. */
export interface ExportItem {
  readonly offset: string;
  readonly checkpoint: { readonly size: number; readonly note: string } | null;
  readonly entry: ExportedEntry | null;
  readonly end: { readonly size: number; readonly count: number } | null;
}

export interface ExportedEntry {
  readonly index: number;
  readonly id: string;
  readonly entry: string;
  readonly salt: string | null;
  readonly payload: string | null;
  readonly proof: readonly string[];
}

/**
 * The checkpoint that is the newest now, each entry below it that the filter asks for with its proof under just that one,
 * and how many they were. A page is read when the one before was taken, in a transaction of its own: however long the log
 * and however slow the reader, memory holds one page and no snapshot is kept.
 */
export async function* exportEntries(
  call: Pick<StreamCall<unknown>, "ports" | "principal" | "principalAt" | "signal">,
  filter: Filter,
  after: Progress | undefined,
): AsyncGenerator<ExportItem> {
  const { ports, signal } = call;
  const scope = { role: "reader", tenantId: call.principal.tenantId } as const;
  const read = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    const { revision, result } = await inTurn(() =>
      ports.db.transaction(
        scope,
        async (tx) => ({
          revision: await readRevision(tx, scope.tenantId, ports.revision),
          result: await work(tx),
        }),
        signal,
      ),
    );
    await call.principalAt(revision);
    return result;
  };
  const { size, note } = await read((tx) => readCheckpoint(tx, ports.ledger, after));
  let at: Progress = after ?? { size, next: 0, count: 0 };
  if (after === undefined)
    yield { offset: formatOffset(at), ...NOTHING, checkpoint: { size, note } };
  for (let isAll = false; !isAll; ) {
    const page = await read((tx) => readPage(tx, filter, at));
    for (const entry of page.entries) {
      at = { size, next: entry.index + 1, count: at.count + 1 };
      yield { offset: formatOffset(at), ...NOTHING, entry };
    }
    ({ isAll } = page);
  }
  const { count } = at;
  at = { size, next: size, count };
  yield { offset: formatOffset(at), ...NOTHING, end: { size, count } };
}

const NOTHING = { checkpoint: null, entry: null, end: null };

const inTurn = turns(READS_AT_ONCE_MAX);

async function readRevision(tx: Tx, tenantId: string, revision: Revision): Promise<number> {
  const [row] = await query<{ revision: number | null }>(
    tx,
    `select ${revision("$1")} as revision`,
    [tenantId],
  );
  return row!.revision ?? Number.POSITIVE_INFINITY;
}

async function readCheckpoint(
  tx: Tx,
  ledger: Ledger,
  after: Progress | undefined,
): Promise<Checkpoint> {
  if (after === undefined) {
    const newest = await readPublished(tx, ledger);
    if (newest === undefined) throw unpublished([]);
    return newest;
  }
  const { size, next, count } = after;
  const [kept] = await readPublishedCheckpoints(tx, ledger, { above: size - 1, upTo: size }, 1);
  if (kept === undefined || next > size || count > next) throw offsetUnknown(formatOffset(after));
  return kept;
}

async function readPage(tx: Tx, filter: Filter, { size, next }: Progress) {
  const found = await findEntries(tx, {
    filter,
    from: next,
    to: size,
    newestFirst: false,
    limit: ENTRIES_MAX,
    bytesMax: BYTES_MAX,
  });
  const hashAt = remembered(storedHashes(tx, size));
  const entries: ExportedEntry[] = [];
  for (const { index, id, entry, salt, payload } of found.entries) {
    const proof = await inclusionProof(index, size, hashAt);
    entries.push({
      index,
      id,
      entry: entry.toString(),
      salt: salt?.toString("base64") ?? null,
      payload,
      proof: proof.map((hash) => Buffer.from(hash).toString("base64")),
    });
  }
  return { entries, isAll: found.isAll };
}

/** Proofs of neighbours share most of their nodes. */
function remembered(hashAt: HashAt): HashAt {
  const known = new Map<string, ReturnType<HashAt>>();
  return (level, index) => {
    const key = `${level}/${index}`;
    let hash = known.get(key);
    if (hash === undefined) known.set(key, (hash = hashAt(level, index)));
    return hash;
  };
}
