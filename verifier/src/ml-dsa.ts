/**
 * ML-DSA-44 (FIPS 204) as a second signature of checkpoints: c2sp.org/tlog-cosignature, key type 6. An entry of its own
 * (`@sealbase/verifier/ml-dsa`), so that who checks Ed25519 only does not load it.
 */
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { concatBytes, fromUtf8, utf8 } from "./bytes.ts";
import { parseCheckpoint } from "./checkpoint.ts";
import type { Signer, Verifier } from "./note.ts";
import {
  formatVerifierKey,
  KEY_TYPE,
  keyIdOf,
  parseVerifierKey,
  type VerifierKey,
} from "./verifier-key.ts";
import { VerifyError } from "./verify-error.ts";

export const ML_DSA_SEED_SIZE = 32;
export const ML_DSA_KEY_SIZE = 1_312;
const SIGNATURE_SIZE = 2_420;
const TIMESTAMP_SIZE = 8;
const NAME_SIZE_MAX = 255;
const LABEL = utf8("subtree/v1\n\0");

/**
 * Signs checkpoints with the ML-DSA-44 key of a 32-byte seed. `now` is in seconds since the epoch; 0, as a log uses it, makes no
 * statement about time.
 */
export function mlDsaSigner(
  name: string,
  seed: Uint8Array,
  now: () => number = () => 0,
): Signer & { vkey: string; publicKey: Uint8Array } {
  const { publicKey, secretKey } = ml_dsa44.keygen(seed);
  return {
    name,
    publicKey,
    vkey: formatVerifierKey(name, KEY_TYPE.mlDsa44, publicKey),
    keyId: keyIdOf(name, KEY_TYPE.mlDsa44, publicKey),
    sign(text) {
      const time = uint64(BigInt(now()));
      return concatBytes(time, ml_dsa44.sign(signedMessage(name, time, text), secretKey));
    },
  };
}

/** The check that belongs to a key of type 6, to be passed where keys are: `verifyReceipt(text, [key, mlDsaVerifier(second)])`. */
export function mlDsaVerifier(key: string | VerifierKey): Verifier {
  const { name, keyId, type, publicKey } = typeof key === "string" ? parseVerifierKey(key) : key;
  if (type !== KEY_TYPE.mlDsa44 || publicKey.length !== ML_DSA_KEY_SIZE) {
    throw new VerifyError(
      "verify/key-unsupported",
      `Key ${name} is of type ${type} with ${publicKey.length} bytes.`,
      `Use an ML-DSA-44 key: type ${KEY_TYPE.mlDsa44} with ${ML_DSA_KEY_SIZE} bytes.`,
    );
  }
  return {
    name,
    keyId,
    verify(text, signature) {
      if (signature.length !== TIMESTAMP_SIZE + SIGNATURE_SIZE) return false;
      const time = signature.subarray(0, TIMESTAMP_SIZE);
      if ((time[0] ?? 0) > 127) return false; // a time is below 2^63
      try {
        const message = signedMessage(name, time, text);
        return ml_dsa44.verify(signature.subarray(TIMESTAMP_SIZE), message, publicKey);
      } catch {
        return false; // only checkpoints can be signed so
      }
    },
  };
}

/** Whether a key is one that this file checks. A text that is no key is left to whoever reads it. */
export function isMlDsaKey(vkey: string): boolean {
  try {
    return parseVerifierKey(vkey).type === KEY_TYPE.mlDsa44;
  } catch {
    return false;
  }
}

/** The structure `cosigned_message`: all of it is what is signed, and it says nothing of a checkpoint's extension lines. */
function signedMessage(name: string, time: Uint8Array, text: Uint8Array): Uint8Array {
  const { origin, size, root } = parseCheckpoint(fromUtf8(text));
  return concatBytes(
    LABEL,
    shortText(name),
    time,
    shortText(origin),
    uint64(0n), // the subtree starts at the first entry
    uint64(BigInt(size)),
    root,
  );
}

function shortText(text: string): Uint8Array {
  const bytes = utf8(text);
  if (bytes.length === 0 || bytes.length > NAME_SIZE_MAX) {
    throw new RangeError(`A name has 1 to ${NAME_SIZE_MAX} bytes, not ${bytes.length}.`);
  }
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}

/** A uint64, big-endian. */
function uint64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(TIMESTAMP_SIZE);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}
