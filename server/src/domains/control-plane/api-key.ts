import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** `sk_PREFIX_SECRET`: 12 public characters to find it by, 43 secret ones (256 bits). */
const FORM = /^sk_([0-9a-z]{12})_([0-9A-Za-z_-]{43})$/;
const PREFIX_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

export interface NewKey {
  /** The whole key: shown once, stored nowhere. */
  readonly key: string;
  readonly prefix: string;
  readonly hash: Buffer;
}

export function makeKey(): NewKey {
  const prefix = Array.from(
    randomBytes(12),
    (byte) => PREFIX_ALPHABET[byte % PREFIX_ALPHABET.length],
  ).join("");
  const key = `sk_${prefix}_${randomBytes(32).toString("base64url")}`;
  return { key, prefix, hash: hashKey(key) };
}

export const prefixOf = (key: string): string | undefined => FORM.exec(key)?.[1];

/** A key has 256 random bits: a plain hash is as good as a slow one, and costs a call nothing. */
export const hashKey = (key: string): Buffer => createHash("sha256").update(key).digest();

export const isKey = (key: string, hash: Buffer): boolean => timingSafeEqual(hashKey(key), hash);
