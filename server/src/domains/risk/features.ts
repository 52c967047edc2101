/** What the scorer sees in a payment. Pure; the same payment always gives the same features. */
export interface Features {
  readonly type: string;
  readonly amount_cents: number;
  readonly digital_root: number;
  readonly is_round_amount: boolean;
  /** Share of the balance that left the account, 0 to 1; null when the balance was zero or is unknown. */
  readonly drain_ratio: number | null;
  /** More was paid than the account held, so that an empty account afterwards says nothing. */
  readonly is_overdrawn: boolean;
  readonly amount_bucket: Bucket;
}

export type Bucket = "micro" | "small" | "medium" | "large" | "mega";

/** Upper edges in cents, exclusive: 10, 1,000, 100,000 and 1,000,000 units. */
const BUCKETS: readonly (readonly [Bucket, number])[] = [
  ["micro", 1_000],
  ["small", 100_000],
  ["medium", 10_000_000],
  ["large", 100_000_000],
];

/** An amount is round when it is a multiple of 1,000 units. */
const ROUND_CENTS = 100_000;

export function featuresOf(payment: {
  type: string;
  amountCents: number;
  originBeforeCents: number | null;
  originAfterCents: number | null;
}): Features {
  const { type, amountCents, originBeforeCents, originAfterCents } = payment;
  return {
    type,
    amount_cents: amountCents,
    digital_root: digitalRoot(amountCents),
    is_round_amount: amountCents > 0 && amountCents % ROUND_CENTS === 0,
    drain_ratio: drainRatio(originBeforeCents, originAfterCents),
    is_overdrawn: originBeforeCents !== null && amountCents > originBeforeCents,
    amount_bucket: BUCKETS.find(([, edge]) => amountCents < edge)?.[0] ?? "mega",
  };
}

/**
 * The digit that repeated sums of decimal digits end at: 0 for 0, else 1 + (n − 1) mod 9. Shifting the decimal point
 * does not change it (10 ≡ 1 mod 9), so cents and whole units agree.
 */
export const digitalRoot = (n: number): number => (n === 0 ? 0 : 1 + ((Math.abs(n) - 1) % 9));

function drainRatio(before: number | null, after: number | null): number | null {
  if (before === null || after === null || before <= 0) return null;
  return Math.round(Math.min(1, Math.max(0, (before - after) / before)) * 100_000) / 100_000;
}
