import type { Tx } from "#kernel/db.ts";
import { decodeEntry, parseJson, splitTile, TILE_WIDTH } from "#verifier";
import { readAllArchived, readLastArchive } from "../archive/queries.ts";
import { type Checkpoint, readCheckpoints, readTiles } from "../queries.ts";
import type { Finding } from "./report.ts";

/** Tiles that are read at once: 256 hashes of 32 bytes each. */
const TILES = 64;

/** Hashes of entries that are in archives, from full tiles of level 0. */
export interface ArchivedPage {
  readonly leaves: readonly Uint8Array[];
  /** Where the page after it begins. */
  readonly next: number;
  readonly checkpoints: readonly Checkpoint[];
}

/** The log below the minimum index, page by page. */
export class ArchivedTiles implements AsyncIterable<ArchivedPage> {
  readonly #tx: Tx;
  readonly #minimum: number;

  constructor(tx: Tx, minimum: number) {
    this.#tx = tx;
    this.#minimum = minimum;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ArchivedPage> {
    for (let from = 0; from < this.#minimum; from += TILES * TILE_WIDTH) {
      const next = Math.min(from + TILES * TILE_WIDTH, this.#minimum);
      const [tiles, checkpoints] = await Promise.all([
        readTiles(this.#tx, 0, from / TILE_WIDTH, next / TILE_WIDTH),
        readCheckpoints(this.#tx, { above: from, upTo: next }, next - from),
      ]);
      yield { leaves: tiles.flatMap(({ hashes }) => splitTile(hashes)), next, checkpoints };
    }
  }
}

/** The operations whose entries say where the minimum index is. */
const MOVES: ReadonlySet<string> = new Set(["ledger.archive.commit", "ledger.archive.restore"]);

/** Whether it was sealed that entries are not here: that they went into an archive, or that only so many came back. */
export async function archiveFindings(tx: Tx): Promise<Finding[]> {
  const last = await readLastArchive(tx);
  if (last === undefined) return [];
  const { minimum, entry, payload } = last;
  const findings: Finding[] = [];
  if (!isMoveTo(minimum, entry, payload)) {
    const message = `entries below ${minimum} are said to be in an archive, and no entry says so`;
    findings.push({ kind: "archive_unsealed", at: minimum, message });
  }
  const { archived, kept } = await readAllArchived(tx, minimum);
  if (archived + kept !== minimum) {
    const message = `${archived} ids of archived entries are kept, of ${minimum - kept}`;
    findings.push({ kind: "archive_changed", at: minimum, message });
  }
  return findings;
}

function isMoveTo(minimum: number, entry: Buffer | null, payload: string | null): boolean {
  if (entry === null || payload === null) return false;
  try {
    const { action, outcome } = decodeEntry(entry);
    const said = parseJson(payload).outcome?.output?.minimum;
    return MOVES.has(action) && outcome === "done" && said === minimum;
  } catch {
    return false;
  }
}
