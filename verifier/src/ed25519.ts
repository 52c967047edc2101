import { ed25519 } from "@noble/curves/ed25519.js";
import { utf8 } from "./bytes.ts";
import type { Signer, Verifier } from "./note.ts";
import {
  formatVerifierKey,
  KEY_TYPE,
  keyIdOf,
  parseVerifierKey,
  type VerifierKey,
} from "./verifier-key.ts";
import { VerifyError } from "./verify-error.ts";

const KEY_SIZE = 32;
const SIGNATURE_SIZE = 64;
const TIMESTAMP_SIZE = 8;

/** Strict RFC 8032: one signature has one form, and weak public keys verify nothing. */
export function ed25519Verify(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== KEY_SIZE || signature.length !== SIGNATURE_SIZE) return false;
  return ed25519.verify(signature, message, publicKey, { zip215: false });
}

/**
 * Whether signatures under this public key mean something: a point in its one spelling, of prime order. Under others one
 * signature may fit many messages, or hold for one verifier and not for the next.
 */
export function isEd25519Key(publicKey: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(publicKey);
    return !point.is0() && point.isTorsionFree();
  } catch {
    return false;
  }
}

/** Signs notes with the Ed25519 key of a 32-byte seed; `vkey` is what others check them with. */
export function ed25519Signer(name: string, seed: Uint8Array): Signer & { vkey: string } {
  const publicKey = ed25519.getPublicKey(seed);
  return {
    name,
    vkey: formatVerifierKey(name, KEY_TYPE.ed25519, publicKey),
    keyId: keyIdOf(name, KEY_TYPE.ed25519, publicKey),
    sign: (text) => ed25519.sign(text, seed),
  };
}

/** Signs checkpoints as a witness does: c2sp.org/tlog-cosignature, `now` in seconds since the epoch. */
export function cosigner(
  name: string,
  seed: Uint8Array,
  now: () => number,
): Signer & { vkey: string } {
  const publicKey = ed25519.getPublicKey(seed);
  return {
    name,
    vkey: formatVerifierKey(name, KEY_TYPE.cosignature, publicKey),
    keyId: keyIdOf(name, KEY_TYPE.cosignature, publicKey),
    sign(text) {
      const time_s = BigInt(now());
      const signature = new Uint8Array(TIMESTAMP_SIZE + SIGNATURE_SIZE);
      new DataView(signature.buffer).setBigUint64(0, time_s);
      signature.set(ed25519.sign(cosignedMessage(time_s, text), seed), TIMESTAMP_SIZE);
      return signature;
    },
  };
}

/** Seconds since the epoch at which a witness says it cosigned. */
export function cosignatureTime(signature: Uint8Array): bigint {
  return new DataView(signature.buffer, signature.byteOffset, signature.byteLength).getBigUint64(0);
}

function cosignedMessage(time_s: bigint, text: Uint8Array): Uint8Array {
  const head = utf8(`cosignature/v1\ntime ${time_s}\n`);
  const message = new Uint8Array(head.length + text.length);
  message.set(head);
  message.set(text, head.length);
  return message;
}

/** The check that belongs to a key: `NAME+HASH+KEY`, or one that is parsed already. */
export function verifierOf(key: string | VerifierKey): Verifier {
  const { name, keyId, type, publicKey } = typeof key === "string" ? parseVerifierKey(key) : key;
  const known = type === KEY_TYPE.ed25519 || type === KEY_TYPE.cosignature;
  if (!known || publicKey.length !== KEY_SIZE) {
    throw new VerifyError(
      "verify/key-unsupported",
      `Key ${name} is of type ${type} with ${publicKey.length} bytes.`,
      "Use an Ed25519 key: type 1 for a log, type 4 for a witness. Type 6 is ML-DSA-44: pass mlDsaVerifier(key).",
    );
  }
  if (type === KEY_TYPE.ed25519) {
    return { name, keyId, verify: (text, signature) => ed25519Verify(publicKey, text, signature) };
  }
  return {
    name,
    keyId,
    verify(text, signature) {
      if (signature.length !== TIMESTAMP_SIZE + SIGNATURE_SIZE) return false;
      const time_s = cosignatureTime(signature);
      if (time_s >= 2n ** 63n) return false;
      const message = cosignedMessage(time_s, text);
      return ed25519Verify(publicKey, message, signature.subarray(TIMESTAMP_SIZE));
    },
  };
}
