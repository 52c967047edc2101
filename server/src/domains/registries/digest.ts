import { createHash } from "node:crypto";
import { ed25519Verify } from "#verifier";

/** SHA-256 of the parts, one after the other. Every use but the last part is of fixed length, or says its length. */
export function digest(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Eight bytes, the most significant first. */
export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Who a node is: the first 20 bytes of SHA-256 of its Ed25519 public key. */
export const nodeOf = (publicKey: Uint8Array): Buffer => digest(publicKey).subarray(0, 20);

/** Whether this is the key's Ed25519 signature (RFC 8032, strict) of a message, which is a digest of 32 bytes here. */
export const isSigned = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
  ed25519Verify(publicKey, message, signature);

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const bytesOf = (hex: string): Buffer => Buffer.from(hex, "hex");
