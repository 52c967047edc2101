/** A payment as `risk.transaction.assess` takes it. */
export interface GeneratedPayment {
  readonly type: "PAYMENT" | "TRANSFER" | "CASH_OUT" | "CASH_IN" | "DEBIT";
  readonly amount_cents: number;
  readonly origin_account: string;
  readonly origin_before_cents: number;
  readonly origin_after_cents: number;
  readonly destination_account: string;
}

/** Share of each type in PaySim's full set, cumulated. */
const TYPES: readonly (readonly [GeneratedPayment["type"], number])[] = [
  ["CASH_OUT", 0.352],
  ["PAYMENT", 0.69],
  ["CASH_IN", 0.91],
  ["TRANSFER", 0.994],
  ["DEBIT", 1],
];

const FRAUD_SHARE = 0.03;
const FORBIDDEN_SHARE = 0.002;
const ROUND_SHARE = 0.08;
const ROUND_CENTS = 100_000;
const ACCOUNTS = 500;

/** Payments that look like a day's: mostly small, some that empty an account, a few above every limit. The seed fixes them. */
export function* generatePayments(seed: number, count: number): Generator<GeneratedPayment> {
  const random = randomNumbers(seed);
  for (let i = 0; i < count; i++) {
    const fate = random();
    const fraud = fate < FRAUD_SHARE;
    const type = fraud ? (random() < 0.5 ? "TRANSFER" : "CASH_OUT") : typeAt(random());
    // Log-normal, as amounts are: a median of 750 units, a long tail.
    let amount_cents = Math.round((fraud ? 9_000_000 : 75_000) * Math.exp(1.6 * gaussian(random)));
    if (random() < ROUND_SHARE)
      amount_cents = Math.max(1, Math.round(amount_cents / ROUND_CENTS)) * ROUND_CENTS;
    if (fate > 1 - FORBIDDEN_SHARE) amount_cents = 1_000_000_000 + Math.round(random() * 1e9);
    const origin_before_cents = fraud
      ? amount_cents
      : Math.round(amount_cents * (1 + 4 * random()));
    const sign = type === "CASH_IN" ? 1 : -1;
    yield {
      type,
      amount_cents,
      origin_account: account(random),
      origin_before_cents,
      origin_after_cents: Math.max(0, origin_before_cents + sign * amount_cents),
      destination_account: account(random),
    };
  }
}

const typeAt = (share: number): GeneratedPayment["type"] =>
  TYPES.find(([, upTo]) => share < upTo)?.[0] ?? "DEBIT";

const account = (random: () => number): string =>
  `C${String(Math.floor(random() * ACCOUNTS)).padStart(4, "0")}`;

/** Box–Muller. */
const gaussian = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** SplitMix32: uniform in [0, 1), the same everywhere for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    z ^= z >>> 15;
    return (z >>> 0) / 2 ** 32;
  };
}
