import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** `sk`: an API key; `as`: an agent session. */
export type CredentialKind = "sk" | "as";

/** `KIND_PREFIX_SECRET`: 12 public characters to find it by, 43 secret ones (256 bits). */
const FORM = /^(sk|as)_([0-9a-z]{12})_([0-9A-Za-z_-]{43})$/;
const PREFIX_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

export interface NewCredential {
  /** The whole text: shown once, stored nowhere. */
  readonly key: string;
  readonly prefix: string;
  readonly hash: Buffer;
}

export function makeCredential(kind: CredentialKind): NewCredential {
  const prefix = Array.from(
    randomBytes(12),
    (byte) => PREFIX_ALPHABET[byte % PREFIX_ALPHABET.length],
  ).join("");
  const key = `${kind}_${prefix}_${randomBytes(32).toString("base64url")}`;
  return { key, prefix, hash: hashCredential(key) };
}

/** What says whose it is; undefined when the text is no credential. */
export function publicPart(
  credential: string,
): { readonly kind: CredentialKind; readonly prefix: string } | undefined {
  const [, kind, prefix] = FORM.exec(credential) ?? [];
  return kind === undefined ? undefined : { kind: kind as CredentialKind, prefix: prefix! };
}

/** It has 256 random bits: a plain hash is as good as a slow one, and costs a call nothing. */
const hashCredential = (credential: string): Buffer =>
  createHash("sha256").update(credential).digest();

export const isCredential = (credential: string, hash: Buffer): boolean =>
  timingSafeEqual(hashCredential(credential), hash);
