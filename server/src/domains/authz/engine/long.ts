/**
 * Cedar's `Long`: 64 bits with sign, and an error where a result does not fit. A `number` while it is a safe integer, a `bigint`
 * beyond, so that equal values are always of one kind and `===` compares them.
 */
export type Long = number | bigint;

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** The value as a `Long`, or null when it has no place in 64 bits. */
export function long(value: Long): Long | null {
  if (typeof value === "number") return value;
  if (value < MIN || value > MAX) return null;
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

export const isLong = (value: unknown): value is Long =>
  typeof value === "number" || typeof value === "bigint";

export function add(a: Long, b: Long): Long | null {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return long(BigInt(a) + BigInt(b));
}

export function subtract(a: Long, b: Long): Long | null {
  if (typeof a === "number" && typeof b === "number") {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return long(BigInt(a) - BigInt(b));
}

export function multiply(a: Long, b: Long): Long | null {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    // No negative zero: it would print and hash unlike zero.
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return long(BigInt(a) * BigInt(b));
}

export const negate = (a: Long): Long | null => subtract(0, a);

/** Toward zero, as Rust divides. */
export const quotient = (a: Long, b: number): Long =>
  typeof a === "number" ? Math.trunc(a / b) + 0 : long(a / BigInt(b))!;

/** Never negative: what is left when `b` is taken away as often as it fits below `a`. */
export function remainder(a: Long, b: number): Long {
  if (typeof a === "number") return ((a % b) + b) % b;
  const by = BigInt(b);
  return long(((a % by) + by) % by)!;
}
