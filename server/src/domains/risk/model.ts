import { createHash } from "node:crypto";
import { canonicalJson } from "#verifier";
import type { Features } from "./features.ts";

/**
 * Weights of the scorer, in hundred-thousandths, so that a sum is exact and the same on every machine. They are ours:
 * the earlier project published one example (a transfer of 10,000,000 that empties its account scores 0.95, CRITICAL)
 * and no weights; these give that example exactly.
 */
export interface Model {
  readonly name: string;
  readonly number: number;
  readonly base: number;
  readonly weights: Readonly<Record<ReasonName, number>>;
  readonly risky_types: readonly string[];
  /** A drain at or above this share counts as the whole account. */
  readonly full_drain_ratio: number;
  /** Lower edges of the levels. */
  readonly levels: { readonly MEDIUM: number; readonly HIGH: number; readonly CRITICAL: number };
}

export type ReasonName =
  | "RISKY_TYPE"
  | "FULL_ACCOUNT_DRAIN"
  | "ROUND_AMOUNT"
  | "DR1_MEGA_AMOUNT"
  | "LARGE_AMOUNT"
  | "MEGA_AMOUNT";

export const CURRENT_MODEL: Model = {
  name: "additive",
  number: 1,
  base: 2_000,
  weights: {
    RISKY_TYPE: 20_000,
    FULL_ACCOUNT_DRAIN: 40_000,
    ROUND_AMOUNT: 13_000,
    DR1_MEGA_AMOUNT: 20_000,
    LARGE_AMOUNT: 5_000,
    MEGA_AMOUNT: 10_000,
  },
  risky_types: ["CASH_OUT", "TRANSFER"],
  full_drain_ratio: 0.99,
  levels: { MEDIUM: 30_000, HIGH: 60_000, CRITICAL: 80_000 },
};

const ONE = 100_000;

export interface Rated {
  readonly value: number;
  readonly level: "LOW" | "MEDIUM" | "HIGH" | "CRITICAL";
  readonly reasons: readonly string[];
}

/** Adds the weight of every reason that holds to the base: 0 to 1, five decimals, and the reasons that anyone can check. */
export function rate(model: Model, features: Features): Rated {
  const found = reasons(model, features);
  const sum = found.reduce((total, { name }) => total + model.weights[name], model.base);
  const capped = Math.min(ONE, sum);
  return {
    value: capped / ONE,
    level: levelOf(model, capped),
    reasons: found.map(({ code }) => code),
  };
}

function reasons(model: Model, features: Features): { name: ReasonName; code: string }[] {
  const { type, amount_bucket, drain_ratio, is_overdrawn, is_round_amount, digital_root } =
    features;
  const holds: [ReasonName, boolean, string?][] = [
    ["RISKY_TYPE", model.risky_types.includes(type), `RISKY_TYPE:${type}`],
    ["FULL_ACCOUNT_DRAIN", !is_overdrawn && (drain_ratio ?? 0) >= model.full_drain_ratio],
    ["ROUND_AMOUNT", is_round_amount],
    ["DR1_MEGA_AMOUNT", amount_bucket === "mega" && digital_root === 1],
    ["LARGE_AMOUNT", amount_bucket === "large"],
    ["MEGA_AMOUNT", amount_bucket === "mega" && digital_root !== 1],
  ];
  return holds.filter(([, held]) => held).map(([name, , code]) => ({ name, code: code ?? name }));
}

function levelOf({ levels }: Model, score: number): Rated["level"] {
  if (score >= levels.CRITICAL) return "CRITICAL";
  if (score >= levels.HIGH) return "HIGH";
  return score >= levels.MEDIUM ? "MEDIUM" : "LOW";
}

/** A model's text and its SHA-256, as they are stored. */
export function documentOf(model: Model): { text: string; hash: Buffer } {
  const text = canonicalJson(model);
  return { text, hash: createHash("sha256").update(text).digest() };
}
