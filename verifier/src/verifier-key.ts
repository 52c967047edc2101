import { concatBytes, fromBase64, fromHex, toBase64, toHex, utf8 } from "./bytes.ts";
import { sha256 } from "./sha256.ts";
import { VerifyError } from "./verify-error.ts";

/** First byte of a key: what its signatures mean (c2sp.org/signed-note, c2sp.org/tlog-cosignature). */
export const KEY_TYPE = { ed25519: 1, cosignature: 4, mlDsa44: 6 } as const;

export type VerifierKey = {
  name: string;
  /** The uint32 that names the key in a signature line. A hint only: 4 bytes collide. */
  keyId: number;
  type: number;
  publicKey: Uint8Array;
};

/** Key names hold no spaces of any script, no plus, no control characters. */
export function isKeyName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  return /^[^\p{White_Space}+\u0000-\u001f]+$/u.test(name) && name.isWellFormed();
}

/** First four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key). */
export function keyIdOf(name: string, type: number, publicKey: Uint8Array): number {
  return readKeyId(sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(type), publicKey)));
}

export function readKeyId(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
}

export function keyIdBytes(keyId: number): Uint8Array {
  return Uint8Array.of(keyId >>> 24, keyId >>> 16, keyId >>> 8, keyId);
}

/** `name+hash8hex`, the short way to name a key. */
export function keyLabel({ name, keyId }: { name: string; keyId: number }): string {
  return `${name}+${toHex(keyIdBytes(keyId))}`;
}

/** `name+hash8hex+base64(type ‖ public key)`. */
export function formatVerifierKey(name: string, type: number, publicKey: Uint8Array): string {
  if (!isKeyName(name)) throw malformed(`${JSON.stringify(name)} is no key name`);
  const keyId = keyIdOf(name, type, publicKey);
  return `${keyLabel({ name, keyId })}+${toBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

export function parseVerifierKey(vkey: string): VerifierKey {
  // Base64 may hold a plus; the name and the hash do not.
  const [name = "", hash = "", ...base64] = vkey.split("+");
  if (!isKeyName(name)) throw malformed("it does not start with a key name");
  const id = fromHex(hash);
  if (id?.length !== 4) throw malformed("its second part is not 8 hex digits");
  const key = fromBase64(base64.join("+"));
  const [type] = key ?? [];
  if (key === undefined || type === undefined || key.length < 2) {
    throw malformed("its last part is not base64");
  }
  const publicKey = key.slice(1);
  const keyId = keyIdOf(name, type, publicKey);
  if (keyId !== readKeyId(id)) throw malformed("its hash does not belong to its name and key");
  return { name, keyId, type, publicKey };
}

function malformed(why: string): VerifyError {
  return new VerifyError(
    "verify/key-malformed",
    `This is no verifier key: ${why}.`,
    "Copy the whole key, NAME+HASH+KEY, from a source that you trust.",
  );
}
