/** A recorded question that may be chosen. */
export interface Choosable {
  /** The newest decision that it was asked by. */
  readonly id: string;
  /** SHA-256 of what was asked, hex: the same question has the same one, however often it was asked. */
  readonly question: string;
  readonly cohort: string;
  /** SHA-256 of cohort, action and resource type, hex. */
  readonly cell: string;
}

/** Questions that are kept of one cell, and cells that are kept. */
export const OF_CELL_MAX = 20;
const CELLS_MAX = 2_000;

/**
 * Chooses among the questions of a window: of each cell those with the smallest hashes, which is a sample of its different questions in
 * which none counts more for having been asked more often (Cohen & Kaplan, bottom-k sketches, PODC 2007). It does not matter
 * how the window is paged; the same window gives the same sample.
 */
export class Sample {
  readonly #cells = new Map<string, { cohort: string; ids: Map<string, string> }>();
  readonly #leftOut = new Set<string>();

  /** Those of the newest page come first. */
  add({ id, question, cohort, cell }: Choosable): void {
    let known = this.#cells.get(cell);
    if (known === undefined) {
      // Counted no further than this, so that nobody fills the memory by inventing names.
      if (this.#cells.size >= CELLS_MAX) {
        if (this.#leftOut.size < CELLS_MAX) this.#leftOut.add(cell);
        return;
      }
      this.#cells.set(cell, (known = { cohort, ids: new Map() }));
    }
    const { ids } = known;
    if (ids.has(question)) return;
    ids.set(question, id);
    if (ids.size > OF_CELL_MAX) ids.delete([...ids.keys()].sort().at(-1)!);
  }

  /** Cells beyond those that are kept. */
  get cellsLeftOut(): number {
    return this.#leftOut.size;
  }

  /** So many: one of each cell, then a second one of each, so that rare ones are asked, too. */
  chosen(max: number): Chosen[] {
    const cells = [...this.#cells]
      .sort(byKey)
      .map(([, { cohort, ids }]) => [...ids].sort(byKey).map(([, id]): Chosen => ({ id, cohort })));
    const inTurn = Array.from({ length: OF_CELL_MAX }, (_, i) =>
      cells.flatMap((ids) => ids[i] ?? []),
    );
    return inTurn.flat().slice(0, max);
  }
}

export type Chosen = Pick<Choosable, "id" | "cohort">;

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) =>
  a < b ? -1 : 1;
