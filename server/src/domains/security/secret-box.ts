import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { Refusal } from "#kernel/refusal.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts under the master key (32 bytes): AES-256-GCM; nonce, ciphertext, tag in one. `bound` is authenticated with it. */
export function sealSecret(masterKey: Uint8Array, secret: Uint8Array, bound: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", masterKey, nonce).setAAD(Buffer.from(bound));
  return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

/** Opens what `sealSecret` made for the same `bound`; refuses under another master key. */
export function openSecret(masterKey: Uint8Array, sealed: Uint8Array, bound: string): Buffer {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv("aes-256-gcm", masterKey, nonce).setAAD(Buffer.from(bound));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)),
      decipher.final(),
    ]);
  } catch {
    throw new Refusal(
      "seal/wrong_master_key",
      503,
      "A signing key cannot be opened with this master key",
      { key: bound },
      "Start with the master key that this database was made with: SEALBASE_MASTER_KEY, or the file master.key of its data directory.",
    );
  }
}
