import { sha256 as implementation } from "#sha256";

/** One-shot SHA-256, 32 bytes: of Node's own crypto, or of @noble/hashes in a browser. */
export const sha256: (data: Uint8Array) => Uint8Array = implementation;
