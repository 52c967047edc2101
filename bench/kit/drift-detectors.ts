import {
  type Finding,
  History,
  WARM_UP_WINDOWS,
} from "../../server/src/domains/authz/drift/find.ts";
import { chiSquare } from "../../server/src/domains/authz/drift/rates.ts";
import type { Alarm } from "./drift-score.ts";
import type { Stream } from "./drift-streams.ts";

/** What the server would have found, of these kinds. */
export function oursOf({ windows, names }: Stream, kinds: readonly Finding["kind"][]): Alarm[] {
  const history = new History(0, { allowed: [], denied: [] });
  return windows.flatMap((window, day) =>
    history
      .find(window)
      .findings.filter(({ kind }) => kinds.includes(kind))
      .map(({ cell }) => ({ day, cell: cell === null ? null : names.get(cell.hash)! })),
  );
}

/** The baseline: each cell's rate of a day against that of the days before, taken together, by Pearson's χ². */
export function chiSquareAlarms(
  { windows, names }: Stream,
  { critical, days }: { critical: number; days: number },
): Alarm[] {
  return windows.slice(days).flatMap((window, i) => {
    const before = new Map<string, { allowed: number; denied: number }>();
    for (const { cells } of windows.slice(i, i + days))
      for (const { hash, allowed, denied } of cells) {
        const sum = before.get(hash) ?? { allowed: 0, denied: 0 };
        before.set(hash, { allowed: sum.allowed + allowed, denied: sum.denied + denied });
      }
    return window.cells
      .filter((cell) => (chiSquare(before.get(cell.hash) ?? NOTHING, cell) ?? 0) > critical)
      .map((cell) => ({ day: i + days, cell: names.get(cell.hash)! }));
  });
}

const NOTHING = { allowed: 0, denied: 0 };

/** The baseline of first uses: every principal that does something for the first time, after as long a warm-up. */
export const FIRST_TUPLES = ({ firstTuples }: Stream): Alarm[] =>
  firstTuples.flatMap((cells, day) =>
    day < WARM_UP_WINDOWS ? [] : [...new Set(cells)].map((cell) => ({ day, cell })),
  );
