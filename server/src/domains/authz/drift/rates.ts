import { dispersionOf, lnBeta, lnMeanExp, rounded } from "./numbers.ts";

/**
 * Did the share of allowed decisions change, and since when? For every candidate day of the last `SCAN` windows, the windows since then are
 * compared with those before by a Bayes factor: two rates against one, each rate from Beta(½, ½) (Gunel & Dickey, Biometrika 1974):
 *
 *     e = B(½+x₀, ½+y₀) · B(½+x₁, ½+y₁) / ( B(½, ½) · B(½+x₀+x₁, ½+y₀+y₁) )      x allowed, y denied; 0 before, 1 since
 *
 * As a ratio of likelihoods it is an e-value: when nothing changed its mean is 1, and so is that of the mean over the candidates. So
 * many of them are held to e-BH (Wang & Ramdas, JRSS B 2022), which keeps the share of false ones among those told below `ALPHA`
 * however the series hang together. A jump shows in the newest candidates, a slow creep in the older ones.
 */
export interface Counted {
  readonly day: string;
  readonly allowed: number;
  readonly denied: number;
}

export interface RateChange {
  /** ln of the e-value. */
  readonly ln_e: number;
  /** First day of what is unlike before, by the strongest candidate; null when there is none. */
  readonly since: string | null;
  readonly rate_before: number;
  readonly rate_since: number;
  readonly dispersion: number;
}

/** Of the findings of one window, at most this share is false, and a window without drift gives one this seldom. */
export const ALPHA = 0.01;
/** Candidate days, counted back from the newest window. */
const SCAN = 14;
/** Windows with decisions that have to lie before a candidate. */
const BEFORE_MIN = 3;
/** A smaller change of the rate is nothing, however sure it is: its e-value is 0, which is one, too. */
const SHIFT_MIN = 0.02;
const PRIOR = 0.5;
/** Of χ² with one degree of freedom. */
const CHI2_1_MEDIAN = 0.4549;

const NONE: RateChange = { ln_e: 0, since: null, rate_before: 0, rate_since: 0, dispersion: 1 };

/** The oldest window comes first; the last one is the one that is asked about. Windows without decisions are left out before. */
export function rateChange(series: readonly Counted[]): RateChange {
  if (series.length <= BEFORE_MIN) return NONE;
  const dispersion = dispersionOf(neighbours(series), CHI2_1_MEDIAN);
  const candidates: number[] = [];
  let best = { ...NONE, ln_e: Number.NEGATIVE_INFINITY };
  const since = { allowed: 0, denied: 0 };
  const before = totals(series);
  for (let at = series.length - 1; at >= Math.max(1, series.length - SCAN); at--) {
    const { day, allowed, denied } = series[at]!;
    since.allowed += allowed;
    since.denied += denied;
    before.allowed -= allowed;
    before.denied -= denied;
    if (at < BEFORE_MIN) {
      // Too little before it to say anything: an e-value of 1.
      candidates.push(0);
      continue;
    }
    const [rate_before, rate_since] = [rate(before), rate(since)];
    const isShift = Math.abs(rate_since - rate_before) >= SHIFT_MIN;
    const ln_e = isShift ? lnBayesFactor(before, since, dispersion) : Number.NEGATIVE_INFINITY;
    candidates.push(ln_e);
    if (ln_e > best.ln_e) best = { ln_e, since: day, rate_before, rate_since, dispersion };
  }
  return {
    ...best,
    ln_e: rounded(Math.max(lnMeanExp(candidates), LN_E_MIN), 6),
    dispersion: rounded(dispersion, 6),
  };
}

/** As low as it is told: below it nobody asks how low. */
const LN_E_MIN = -1_000;

type Counts = Pick<Counted, "allowed" | "denied">;

const rate = ({ allowed, denied }: Counts): number => allowed / (allowed + denied);

const totals = (series: readonly Counted[]): { allowed: number; denied: number } =>
  series.reduce(
    (sum, { allowed, denied }) => ({ allowed: sum.allowed + allowed, denied: sum.denied + denied }),
    { allowed: 0, denied: 0 },
  );

/** Counts are worth less where windows differ by more than chance. */
function lnBayesFactor(before: Counts, since: Counts, dispersion: number): number {
  const [x0, y0, x1, y1] = [before.allowed, before.denied, since.allowed, since.denied].map(
    (count) => count / dispersion,
  ) as [number, number, number, number];
  return (
    lnBeta(PRIOR + x0, PRIOR + y0) +
    lnBeta(PRIOR + x1, PRIOR + y1) -
    lnBeta(PRIOR, PRIOR) -
    lnBeta(PRIOR + x0 + x1, PRIOR + y0 + y1)
  );
}

/** Pearson's χ² of each window and the next. Where both had one outcome alone they do not differ: without these a first denial would be measured by itself. */
const neighbours = (series: readonly Counted[]): number[] =>
  series.slice(1).map((after, i) => chiSquare(series[i]!, after) ?? 0);

/** Pearson's χ² of two rates, one degree of freedom; null when all decisions had one outcome. */
export function chiSquare(a: Counts, b: Counts): number | null {
  const [n, m] = [a.allowed + a.denied, b.allowed + b.denied];
  const [allowed, denied] = [a.allowed + b.allowed, a.denied + b.denied];
  if (allowed === 0 || denied === 0 || n === 0 || m === 0) return null;
  return (
    ((a.allowed * b.denied - a.denied * b.allowed) ** 2 * (n + m)) / (n * m * allowed * denied)
  );
}

/** Which of these may be told: the k greatest, k as great as can be with its smallest e at least K / (k · alpha). */
export function eBH(lnEs: readonly number[], alpha = ALPHA): ReadonlySet<number> {
  const order = lnEs.map((_, i) => i).sort((a, b) => lnEs[b]! - lnEs[a]!);
  const told = order.findLastIndex(
    (index, i) => lnEs[index]! >= Math.log(order.length / ((i + 1) * alpha)),
  );
  return new Set(order.slice(0, told + 1));
}
