import { isDeepStrictEqual } from "node:util";
import type { Candidate, Verdict } from "../preview/candidate.ts";
import {
  type Change,
  type Counts,
  changeOf,
  count,
  noCounts,
  worseFirst,
} from "../preview/tally.ts";

/** Two versions that questions are put to. */
export interface Both {
  readonly before: Candidate;
  readonly after: Candidate;
}

/** What became of a question from one version to another. */
export function changeBetween(before: Verdict, after: Verdict): Change {
  if (before.kind === "unreadable" || after.kind === "unreadable") return "unreadable";
  if (before.kind === "decided")
    return changeOf({ outcome: before.outcome, reasons: JSON.stringify(before.reasons) }, after);
  // What one schema has and the other has not was refused, or will be; nobody decided it otherwise.
  return after.kind === "refused" ? "unchanged" : "refused";
}

/** What questions are alike in. */
export interface Alike {
  /** The principal's type with its groups, as JSON. */
  readonly cohort: string;
  readonly action: string;
  readonly resourceType: string;
}

export interface CellChange extends Alike {
  readonly counts: Counts;
}

export interface Example<T> {
  readonly change: Change;
  readonly of: T;
}

/** Cells and examples that are told; the others are counted. */
const CELLS_TOLD_MAX = 10;
const EXAMPLES_OF_ONE_CHANGE = 3;

/** Adds up what became of questions, in bounded memory as long as their cells are. */
export class Changes<T> {
  readonly counts = noCounts();
  readonly examples: Example<T>[] = [];
  readonly #cells = new Map<string, CellChange>();

  add(alike: Alike, before: Verdict, after: Verdict, example: () => T): void {
    const change = changeBetween(before, after);
    const erred = after.kind === "decided" && after.errors.length > 0;
    count(this.counts, change, erred);
    if (change === "unchanged") return;
    const key = JSON.stringify([alike.cohort, alike.action, alike.resourceType]);
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      const { cohort, action, resourceType } = alike;
      this.#cells.set(key, (cell = { cohort, action, resourceType, counts: noCounts() }));
    }
    count(cell.counts, change, erred);
    const alikes = this.examples.filter((one) => one.change === change);
    if (alikes.length >= EXAMPLES_OF_ONE_CHANGE || !isTold(change)) return;
    const of = example();
    if (!alikes.some((one) => isDeepStrictEqual(one.of, of))) this.examples.push({ change, of });
  }

  /** Those where most changed first. */
  get cells(): { readonly told: readonly CellChange[]; readonly leftOut: number } {
    const all = [...this.#cells.values()].sort((a, b) =>
      worseFirst({ name: nameOf(a), counts: a.counts }, { name: nameOf(b), counts: b.counts }),
    );
    const told = all.slice(0, CELLS_TOLD_MAX);
    return { told, leftOut: all.length - told.length };
  }
}

/** Does it matter to those who ask? The same outcome by another policy does not. */
export const isTold = (change: Change): boolean =>
  change === "newly_denied" || change === "newly_allowed";

export const isNews = ({ newly_denied, newly_allowed }: Counts): boolean =>
  newly_denied + newly_allowed > 0;

const nameOf = ({ cohort, action, resourceType }: Alike) =>
  JSON.stringify([cohort, action, resourceType]);
