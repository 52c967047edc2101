import { createHash } from "node:crypto";
import { canonicalJson } from "#verifier";
import type { Mix } from "./mix.ts";

/** What one cohort did to one type of resource in a window. */
export interface Cell {
  /** SHA-256 over cohort, action and resource type, hex. */
  readonly hash: string;
  /** The principal's type with its groups, as JSON, as they were when it was decided: `User["readers"]`. */
  readonly cohort: string;
  readonly action: string;
  readonly resourceType: string;
  readonly allowed: number;
  readonly denied: number;
  /** Of both, those with a policy that could not be evaluated. */
  readonly errors: number;
}

/** A day (UTC) of a project's decisions. */
export interface Window {
  /** `2026-11-21` */
  readonly day: string;
  readonly decisions: number;
  readonly allowed: number;
  readonly denied: number;
  readonly errors: number;
  readonly deniedErrors: number;
  /** Principals, actions and resource types that came together for the first time, allowed and denied. */
  readonly firstAllowed: number;
  readonly firstDenied: number;
  readonly cells: readonly Cell[];
  /** Cells that are not kept, because there are too many. */
  readonly cellsLeftOut: number;
  /** SHA-256 of all of the above: the same decisions give the same one, however often they are counted. */
  readonly hash: string;
}

export const DAY_MS = 86_400_000;
/** Cells of a window that are kept: those with most decisions. */
export const CELLS_MAX = 2_000;
/** Cells of a window that are counted at all. */
const CELLS_COUNTED_MAX = 20_000;

export const dayOf = (time_ms: number): string => new Date(time_ms).toISOString().slice(0, 10);
export const startOf = (day: string): number => Date.parse(`${day}T00:00:00.000Z`);
export const dayAfter = (day: string, days = 1): string => dayOf(startOf(day) + days * DAY_MS);

/** A part of a cell, as one page of decisions has it. */
export type CellPart = Cell & { readonly deniedErrors: number };

/** Adds up a day, page by page. Pages come in the order of decisions, so what is left out is always the same. */
export class Tally {
  readonly #cells = new Map<string, Cell>();
  readonly #leftOut = new Set<string>();
  #decisions = { allowed: 0, denied: 0, errors: 0, deniedErrors: 0 };

  add(part: CellPart): void {
    const { deniedErrors, ...cell } = part;
    const sum = this.#decisions;
    this.#decisions = {
      allowed: sum.allowed + part.allowed,
      denied: sum.denied + part.denied,
      errors: sum.errors + part.errors,
      deniedErrors: sum.deniedErrors + deniedErrors,
    };
    const known = this.#cells.get(cell.hash);
    if (known === undefined && this.#cells.size >= CELLS_COUNTED_MAX) {
      // Counted no further than this, so that nobody fills the memory by inventing names.
      if (this.#leftOut.size < CELLS_COUNTED_MAX) this.#leftOut.add(cell.hash);
      return;
    }
    this.#cells.set(
      cell.hash,
      known === undefined
        ? cell
        : {
            ...known,
            allowed: known.allowed + cell.allowed,
            denied: known.denied + cell.denied,
            errors: known.errors + cell.errors,
          },
    );
  }

  window(day: string, first: { readonly allowed: number; readonly denied: number }): Window {
    const cells = [...this.#cells.values()].sort(
      (a, b) => b.allowed + b.denied - a.allowed - a.denied || (a.hash < b.hash ? -1 : 1),
    );
    const kept = cells.slice(0, CELLS_MAX);
    const facts = {
      day,
      decisions: this.#decisions.allowed + this.#decisions.denied,
      ...this.#decisions,
      firstAllowed: first.allowed,
      firstDenied: first.denied,
      cellsLeftOut: cells.length - kept.length + this.#leftOut.size,
      cells: kept,
    };
    const text = canonicalJson(facts);
    return { ...facts, hash: createHash("sha256").update(text).digest("hex") };
  }
}

export const mixOf = ({
  allowed,
  denied,
  deniedErrors,
  firstAllowed,
}: Pick<Window, "allowed" | "denied" | "deniedErrors" | "firstAllowed">): Mix => ({
  allowed: allowed - firstAllowed,
  first: firstAllowed,
  denied: denied - deniedErrors,
  erred: deniedErrors,
});
