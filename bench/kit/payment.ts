/** About 250 bytes as JSON; the n-th is always the same, and none is risky enough to be refused. */
export const paymentOf = (n: number) => ({
  external_id: `order-${n}`,
  type: n % 3 === 0 ? "TRANSFER" : "PAYMENT",
  amount_cents: 1_000 + ((n * 7_919) % 80_000_000),
  origin_account: `C${1_000_000 + (n % 5_000)}`,
  origin_before_cents: 91_000_000,
  origin_after_cents: 90_000_000 - ((n * 7_919) % 80_000_000),
  destination_account: `M${2_000_000 + (n % 7_000)}`,
  occurred_at: "2026-11-20T08:00:00.000Z",
});
