import { hash } from "node:crypto";

/** One-shot SHA-256, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  const digest = hash("sha256", data, "buffer");
  // A plain view: Buffer's own slice() and toString() would surprise callers in a browser.
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength);
}
