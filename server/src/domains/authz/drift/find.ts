import type { Facts } from "#kernel/refusal.ts";
import { type MixMove, mixMove } from "./mix.ts";
import { type Counted, eBH, rateChange } from "./rates.ts";
import { type Cell, dayAfter, mixOf, type Window } from "./window.ts";

/** What someone should look at. */
export interface Finding {
  readonly day: string;
  readonly kind:
    | "rate_changed"
    | "first_allowed"
    | "first_denied"
    | "mix_moved"
    | "cells_left_out"
    | "meaning_changed";
  /** Null when it is about the whole window. */
  readonly cell: Pick<Cell, "hash" | "cohort" | "action" | "resourceType"> | null;
  /** From this day on it is so; later windows are compared with what was since. Null where nothing is compared. */
  readonly since: string | null;
  /** Of policies, when it is about what they say; else about what was decided. */
  readonly set?: string;
  readonly facts: Facts;
}

/** What windows are compared with, days back. */
export const HISTORY_DAYS = 42;
/** The first windows with decisions of a project: everything in them is new, so nothing is found for being new. */
export const WARM_UP_WINDOWS = 7;
/** Findings of a kind and window; the others are counted. */
const FINDINGS_MAX = 100;

type Known = Pick<Finding, "kind" | "since"> & { readonly hash: string | null };

/** What is known before a window; it grows with every window that is found in. Days go forward. */
export class History {
  #windows: Window[] = [];
  /** Windows with decisions that lie before those, however far back. */
  #before: number;
  readonly #allowed: Set<string>;
  readonly #denied: Set<string>;
  /** Where the last change of a cell, or of the mix, began. */
  readonly #since = new Map<string | null, string>();

  constructor(before: number, seen: { allowed: Iterable<string>; denied: Iterable<string> }) {
    this.#before = before;
    this.#allowed = new Set(seen.allowed);
    this.#denied = new Set(seen.denied);
  }

  /** A change that was found: what lies before it is no measure any more. */
  know({ kind, since, hash }: Known): void {
    if (since === null || (kind !== "rate_changed" && kind !== "mix_moved")) return;
    const last = this.#since.get(hash);
    if (last === undefined || since > last) this.#since.set(hash, since);
  }

  /** A window that was found in already. */
  pass(window: Window): void {
    const from = dayAfter(window.day, -HISTORY_DAYS);
    this.#windows = [...this.#windows.filter(({ day }) => day > from), window];
    if (window.decisions > 0) this.#before++;
    for (const { hash, allowed, denied } of window.cells) {
      if (allowed > 0) this.#allowed.add(hash);
      if (denied > 0) this.#denied.add(hash);
    }
  }

  /** What this window has that those before it had not, and passes it. */
  find(window: Window): {
    readonly findings: Finding[];
    readonly leftOut: number;
    mix: MixMove | null;
  } {
    const mix = this.#mixMove(window);
    const found = [
      this.#rates(window),
      this.#firsts(window, "first_allowed"),
      this.#firsts(window, "first_denied"),
      [...mixMoved(window, mix), ...leftOut(window)],
    ];
    const findings = found.flatMap((kind) => kind.slice(0, FINDINGS_MAX));
    for (const { kind, since, cell } of findings)
      this.know({ kind, since, hash: cell?.hash ?? null });
    this.pass(window);
    return { findings, leftOut: found.flat().length - findings.length, mix };
  }

  /** Cells whose rate is another one than before, the surest first. */
  #rates(window: Window): Finding[] {
    const series = this.#series(window);
    const changes = window.cells.map((cell) => rateChange(series.get(cell.hash)!));
    const told = eBH(changes.map(({ ln_e }) => ln_e));
    return [...told].flatMap((index) => {
      const { since, ...facts } = changes[index]!;
      // Without a candidate there is no evidence, and e-BH tells nothing of it.
      return since === null
        ? []
        : [{ day: window.day, kind: "rate_changed", cell: window.cells[index]!, since, facts }];
    });
  }

  /** For each of the window's cells what was counted since its last change, the window itself last. */
  #series(window: Window): ReadonlyMap<string, Counted[]> {
    const series = new Map<string, Counted[]>(window.cells.map(({ hash }) => [hash, []]));
    for (const { day, cells } of [...this.#windows, window])
      for (const { hash, allowed, denied } of cells)
        if (day >= (this.#since.get(hash) ?? "")) series.get(hash)?.push({ day, allowed, denied });
    return series;
  }

  /** Cells that no window had before: a cohort does what it has never done, or never been denied. */
  #firsts(window: Window, kind: "first_allowed" | "first_denied"): Finding[] {
    if (this.#before < WARM_UP_WINDOWS) return [];
    const [seen, count] =
      kind === "first_allowed"
        ? [this.#allowed, ({ allowed }: Cell) => allowed]
        : [this.#denied, ({ denied }: Cell) => denied];
    return window.cells
      .filter((cell) => count(cell) > 0 && !seen.has(cell.hash))
      .map((cell) => ({
        day: window.day,
        kind,
        cell,
        since: null,
        facts: { allowed: cell.allowed, denied: cell.denied, errors: cell.errors },
      }));
  }

  #mixMove(window: Window): MixMove | null {
    if (this.#before < WARM_UP_WINDOWS) return null;
    const from = this.#since.get(null) ?? "";
    const compared = this.#windows.slice(this.#skipped()).filter(({ day }) => day >= from);
    return mixMove([...compared, window].map(mixOf));
  }

  /** While a project is young its mix holds many first times, which are no measure for later. */
  #skipped(): number {
    const kept = this.#windows.filter(({ decisions }) => decisions > 0).length;
    const young = WARM_UP_WINDOWS - (this.#before - kept);
    let skipped = 0;
    for (let left = young; left > 0 && skipped < this.#windows.length; skipped++)
      if (this.#windows[skipped]!.decisions > 0) left--;
    return skipped;
  }
}

const mixMoved = ({ day }: Window, mix: MixMove | null): Finding[] => {
  if (mix?.moved !== true) return [];
  const { distance_rad, statistic, dispersion, windows } = mix;
  const facts = { distance_rad, statistic, dispersion, windows };
  return [{ day, kind: "mix_moved", cell: null, since: day, facts }];
};

/** More kinds of calls than are kept is news by itself: what is not kept is not watched. */
const leftOut = ({ day, cellsLeftOut }: Window): Finding[] =>
  cellsLeftOut === 0
    ? []
    : [{ day, kind: "cells_left_out", cell: null, since: null, facts: { cells: cellsLeftOut } }];
