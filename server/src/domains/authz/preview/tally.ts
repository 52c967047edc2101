import { timeOf } from "../replay/pages.ts";
import type { Recorded } from "../replay/queries.ts";
import type { Verdict } from "./candidate.ts";

/** What would become of a recorded decision. The worst first: a permission that was used and would be gone. */
export const CHANGES = [
  "newly_denied",
  "newly_allowed",
  "refused",
  "reasons_changed",
  "unreadable",
  "unchanged",
] as const;
export type Change = (typeof CHANGES)[number];

export function changeOf(
  { outcome, reasons }: Pick<Recorded, "outcome" | "reasons">,
  verdict: Verdict,
): Change {
  if (verdict.kind !== "decided") return verdict.kind;
  if (verdict.outcome !== outcome) return outcome === "allow" ? "newly_denied" : "newly_allowed";
  return JSON.stringify(verdict.reasons) === reasons ? "unchanged" : "reasons_changed";
}

/** How many decisions there were, and what would become of them. */
export type Counts = { decisions: number; errors: number } & Record<Change, number>;

export interface Group {
  readonly name: string;
  readonly counts: Counts;
}

/** A principal's use of an action on a type of resource that was allowed and would not be. */
export interface Lost {
  readonly principal: string;
  readonly action: string;
  readonly resourceType: string;
  readonly uses: number;
  /** In milliseconds since 1970. */
  readonly lastUsed_ms: number;
}

type By = "principal" | "action" | "resourceType";
const NAME: Record<By, (recorded: Recorded) => string> = {
  principal: ({ principal }) => principal,
  action: ({ action }) => action,
  resourceType: ({ resource_type }) => resource_type,
};
const BYS: readonly By[] = ["principal", "action", "resourceType"];

/** Names that are counted one by one; decisions about others are counted together. */
const NAMES_MAX = 10_000;
const SHOWN_MAX = 50;
const EXAMPLES_OF_ONE_CHANGE = 20;
/** Of one change to one action on one type of resource, so that examples are not all alike. */
const EXAMPLES_ALIKE = 2;

/** Counts what a candidate would change, in bounded memory. Decisions come newest first. */
export class Tally {
  readonly counts = noCounts();
  readonly #groups: Record<By, Map<string, Counts>> = {
    principal: new Map(),
    action: new Map(),
    resourceType: new Map(),
  };
  readonly #leftOut = { principal: 0, action: 0, resourceType: 0, lost: 0 };
  readonly #lost = new Map<string, { -readonly [Key in keyof Lost]: Lost[Key] }>();
  readonly #examples = new Map<string, number>();

  add(recorded: Recorded, change: Change, verdict: Verdict): void {
    const erred = verdict.kind === "decided" && verdict.errors.length > 0;
    count(this.counts, change, erred);
    for (const by of BYS) {
      const [name, group] = [NAME[by](recorded), this.#groups[by]];
      let counts = group.get(name);
      if (counts === undefined && group.size < NAMES_MAX) group.set(name, (counts = noCounts()));
      if (counts === undefined) this.#leftOut[by] += 1;
      else count(counts, change, erred);
    }
    if (change === "newly_denied") this.#lose(recorded);
  }

  #lose({ id, principal, action, resource_type: resourceType }: Recorded): void {
    const key = JSON.stringify([principal, action, resourceType]);
    const lost = this.#lost.get(key);
    if (lost !== undefined) lost.uses++;
    else if (this.#lost.size >= NAMES_MAX) this.#leftOut.lost++;
    else this.#lost.set(key, { principal, action, resourceType, uses: 1, lastUsed_ms: timeOf(id) });
  }

  /** Is this one to be shown? What is unchanged never is. */
  takeExample({ action, resource_type }: Recorded, change: Change): boolean {
    if (change === "unchanged") return false;
    const all = this.#examples.get(change) ?? 0;
    const key = JSON.stringify([change, action, resource_type]);
    const alike = this.#examples.get(key) ?? 0;
    if (all >= EXAMPLES_OF_ONE_CHANGE || alike >= EXAMPLES_ALIKE) return false;
    this.#examples.set(change, all + 1).set(key, alike + 1);
    return true;
  }

  /** Those that would change most first. */
  by(what: By): { groups: Group[]; leftOut: number } {
    const all = [...this.#groups[what]].map(([name, counts]) => ({ name, counts }));
    const groups = all.sort(worseFirst).slice(0, SHOWN_MAX);
    return { groups, leftOut: all.length - groups.length + this.#leftOut[what] };
  }

  /** Permissions that were used and would be gone, the most used first. */
  lost(): { permissions: Lost[]; leftOut: number } {
    const all = [...this.#lost.values()].sort(
      (a, b) =>
        b.uses - a.uses || b.lastUsed_ms - a.lastUsed_ms || (a.principal < b.principal ? -1 : 1),
    );
    const permissions = all.slice(0, SHOWN_MAX);
    return { permissions, leftOut: all.length - permissions.length + this.#leftOut.lost };
  }
}

export const noCounts = (): Counts => ({
  decisions: 0,
  errors: 0,
  newly_denied: 0,
  newly_allowed: 0,
  refused: 0,
  reasons_changed: 0,
  unreadable: 0,
  unchanged: 0,
});

export function count(counts: Counts, change: Change, erred: boolean): void {
  counts.decisions++;
  counts[change]++;
  if (erred) counts.errors++;
}

/** Those that would change most first. */
export function worseFirst(a: Group, b: Group): number {
  for (const change of ORDER) {
    const more = b.counts[change] - a.counts[change];
    if (more !== 0) return more;
  }
  return a.name < b.name ? -1 : 1;
}

const ORDER: readonly (keyof Counts)[] = [
  ...CHANGES.filter((change) => change !== "unchanged"),
  "decisions",
];
