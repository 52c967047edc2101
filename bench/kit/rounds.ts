/** One side of a comparison: does its work for one round and says how fast that was. */
export type Side = () => Promise<number>;

/** Rounds A B A B …, so that what the machine does beside us meets both sides alike. */
export async function interleave(rounds: number, sides: readonly Side[]): Promise<number[][]> {
  const figures: number[][] = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, side] of sides.entries()) figures[i]!.push(await side());
  }
  return figures;
}

export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The smallest figure that `percent` of all are not above. */
export function percentile(figures: readonly number[], percent: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]!;
}

/** Median of the ratios of rounds that ran side by side: steadier on a busy machine than the ratio of medians. */
export const medianRatio = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((figure, round) => figure / theirs[round]!));

export const spread = (name: string, figures: readonly number[]): string =>
  `${name} ${Math.round(Math.min(...figures))} to ${Math.round(Math.max(...figures))}`;

/** A side that did not do its work has no speed. */
export function expectCount(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${what}: ${found}, not ${expected}`);
}
