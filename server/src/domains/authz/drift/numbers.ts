/** The little mathematics that the detectors share. Pure; `Math.log` may differ in the last bit between engines, so whoever stores rounds. */

/** Half of ln 2π. */
const HALF_LN_2PI = 0.9189385332046727;
/** From here on four terms of Stirling's series are exact to about 1e-12. */
const SERIES_FROM = 10;

/** ln Γ(x) for x > 0: Stirling's series (Abramowitz & Stegun 6.1.41) after the recurrence Γ(x) = Γ(x + 1) / x. */
export function lnGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < SERIES_FROM; at++) shift += Math.log(at);
  const inverse = 1 / at;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1_260 - square / 1_680)));
  return (at - 0.5) * Math.log(at) - at + HALF_LN_2PI + series - shift;
}

/** ln B(a, b) */
export const lnBeta = (a: number, b: number): number => lnGamma(a) + lnGamma(b) - lnGamma(a + b);

/** The middle of a list that is not empty; of an even number, halfway between the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** ln of the mean of exp(values), without overflow. */
export function lnMeanExp(values: readonly number[]): number {
  const most = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (most === Number.NEGATIVE_INFINITY) return most;
  const sum = values.reduce((total, value) => total + Math.exp(value - most), 0);
  return most + Math.log(sum / values.length);
}

/** To this many decimals, so that engines whose last bits differ store the same. */
export const rounded = (value: number, decimals: number): number =>
  Math.round(value * 10 ** decimals) / 10 ** decimals;

/** As many statistics of a known median count as if they had been seen, each at that median. */
const PRIOR_STATISTICS = 8;

/**
 * How much more than by chance neighbouring windows differ, at least 1: the median of their statistics to the median
 * that chance gives (quasi-likelihood: McCullagh & Nelder, Generalized Linear Models, 4.5). A change of the level is in
 * one pair only, so the median does not see it; few statistics are drawn towards 1.
 */
export function dispersionOf(statistics: readonly number[], medianByChance: number): number {
  if (statistics.length === 0) return 1;
  const own = (median(statistics) / medianByChance) * statistics.length;
  return Math.max(1, (own + PRIOR_STATISTICS) / (statistics.length + PRIOR_STATISTICS));
}
