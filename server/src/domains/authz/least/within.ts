import type { EntityUid } from "../engine/index.ts";

/** More groups or parents than these are no list that somebody meant. */
export const WITHIN_MAX = 8;

export type Side = "principal" | "resource";

/** Principals, or resources, of one usage that stood in just these groups or parents when it was decided. */
export interface Standing {
  readonly policy: string;
  readonly action: string;
  readonly resourceType: string;
  readonly side: Side;
  /** `["TYPE","ID"]` of each. */
  readonly within: readonly string[];
  /** How many there were. */
  readonly members: number;
}

/** How many principals, or resources, of the whole window stood in a group or parent. */
export interface Crowd {
  readonly side: Side;
  readonly within: string;
  readonly members: number;
}

/**
 * Groups that hold all who used something, and as few others as can be seen: greedily the one that adds most for each other
 * that it lets in; where that takes too many, as when everybody has a group of their own, the one that adds most. Null where
 * somebody stood in none, or too many would be needed.
 */
export function covering(
  standings: readonly Standing[],
  crowds: ReadonlyMap<string, number>,
): EntityUid[] | null {
  if (standings.length === 0 || standings.some(({ within }) => within.length === 0)) return null;
  const users = countedOf(standings);
  // Some may have stood in several groups one after the other: nobody counts as less than none.
  const others = (group: string) => Math.max(0, (crowds.get(group) ?? 0) - users.get(group)!);
  const chosen =
    greedily(
      standings,
      ([a, of], [b, ofOther]) => others(a) / of - others(b) / ofOther || ofOther - of,
    ) ?? greedily(standings, ([a, of], [b, ofOther]) => ofOther - of || others(a) - others(b));
  if (chosen === null) return null;
  return chosen.sort().map((key) => {
    const [type, id] = JSON.parse(key) as [string, string];
    return { type, id };
  });
}

type Counted = [group: string, members: number];

/** Groups until everybody is in one, each the first by an order; null: they would be too many. */
function greedily(
  standings: readonly Standing[],
  order: (a: Counted, b: Counted) => number,
): string[] | null {
  const chosen: string[] = [];
  for (let rest = standings; rest.length > 0; ) {
    if (chosen.length === WITHIN_MAX) return null;
    const [[best]] = [...countedOf(rest)].sort((a, b) => order(a, b) || (a[0] < b[0] ? -1 : 1)) as [
      Counted,
    ];
    chosen.push(best);
    rest = rest.filter(({ within }) => !within.includes(best));
  }
  return chosen;
}

/** How many stood in each group. */
function countedOf(standings: readonly Standing[]): Map<string, number> {
  const counted = new Map<string, number>();
  for (const { within, members } of standings)
    for (const group of within) counted.set(group, (counted.get(group) ?? 0) + members);
  return counted;
}
