import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import type { Tx } from "#kernel/db.ts";
import { formatVerifierKey, KEY_TYPE, keyIdOf, type Signer } from "#verifier";
import {
  addVersion,
  boundTo,
  insertKey,
  readCurrentKey,
  readKeyVersions,
  readPreviousKey,
  readPublicKeys,
  readPublicVersions,
  type SealedKeyVersion,
} from "./queries.ts";
import { wrongLogKey } from "./refusals.ts";
import { openSecret, sealSecret } from "./secret-box.ts";

/** Makes the Ed25519 key of a log; its name is the log's origin. The private half is stored encrypted only. */
export async function createLogKey(
  tx: Tx,
  masterKey: Uint8Array,
  tenantId: string,
  origin: string,
): Promise<void> {
  await insertKey(tx, { tenantId, name: origin, ...newKey(masterKey) });
}

/** Gives a log its next key; returns its number. Checkpoints of the keys before stay good. */
export async function rotateLogKey(tx: Tx, masterKey: Uint8Array, origin: string): Promise<number> {
  const number = await addVersion(tx, { name: origin, ...newKey(masterKey) });
  if (number === undefined) throw new Error(`log ${origin} has no current key`);
  return number;
}

function newKey(masterKey: Uint8Array) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const secret = privateKey.export({ format: "der", type: "pkcs8" });
  return {
    publicKey: rawPublicKey(publicKey),
    seal: (bound: string) => sealSecret(masterKey, secret, bound),
  };
}

/** A key of a log, ready to sign, and its number. */
export interface NumberedSigner {
  readonly number: number;
  /** What others check its signatures with. */
  readonly key: string;
  readonly signer: Signer;
}

/** Signs checkpoints of a log. In the writer's scope: no other role can read private keys, sealed or not. */
export async function openLogSigner(
  tx: Tx,
  masterKey: Uint8Array,
  origin: string,
): Promise<NumberedSigner> {
  const key = await readCurrentKey(tx, origin);
  if (key === undefined) throw new Error(`log ${origin} has no current key`);
  return signerOf(masterKey, origin, key);
}

/** Signs with the key before the current one. */
export async function openPreviousLogSigner(
  tx: Tx,
  masterKey: Uint8Array,
  origin: string,
): Promise<NumberedSigner> {
  const key = await readPreviousKey(tx, origin);
  if (key === undefined) throw new Error(`log ${origin} has one key only`);
  return signerOf(masterKey, origin, key);
}

/**
 * Refuses when the public half of a version, also of one that signs no more, is not that of its sealed private half: readers
 * would believe what somebody else signed. In the writer's scope.
 */
export async function checkLogKeys(tx: Tx, masterKey: Uint8Array, origin: string): Promise<void> {
  const number = await exchangedKey(tx, masterKey, origin);
  if (number !== null) throw wrongLogKey(origin, number);
}

/** Number of a key of the log whose halves do not belong together; null when there is none. In the writer's scope. */
export async function exchangedKey(
  tx: Tx,
  masterKey: Uint8Array,
  origin: string,
): Promise<number | null> {
  for (const version of await readKeyVersions(tx, origin)) {
    try {
      signerOf(masterKey, origin, version);
    } catch {
      return version.number;
    }
  }
  return null;
}

/** A version of a log's key, without its private half. */
export interface LogKeyVersion {
  readonly number: number;
  readonly key: string;
}

/** Every key that the log had, the first one first. */
export const logKeyVersions = async (tx: Tx, origin: string): Promise<LogKeyVersion[]> =>
  (await readPublicVersions(tx, origin)).map(({ number, publicKey }) => ({
    number,
    key: formatVerifierKey(origin, KEY_TYPE.ed25519, publicKey),
  }));

function signerOf(
  masterKey: Uint8Array,
  origin: string,
  { keyId, number, publicKey, sealed }: SealedKeyVersion,
): NumberedSigner {
  const secret = openSecret(masterKey, sealed, boundTo(keyId, number));
  const privateKey = createPrivateKey({ key: secret, format: "der", type: "pkcs8" });
  // The column of public keys is not believed: whoever can write it could have others believe a key of their own.
  if (!publicKey.equals(rawPublicKey(createPublicKey(privateKey))))
    throw wrongLogKey(origin, number);
  const id = keyIdOf(origin, KEY_TYPE.ed25519, publicKey);
  return {
    number,
    key: formatVerifierKey(origin, KEY_TYPE.ed25519, publicKey),
    signer: { name: origin, keyId: id, sign: (text) => sign(null, text, privateKey) },
  };
}

/** What others check the log with, in the form of c2sp.org/signed-note; the current key first. */
export async function logVerifierKeys(tx: Tx, origin: string): Promise<string[]> {
  return (await readPublicKeys(tx, origin)).map((key) =>
    formatVerifierKey(origin, KEY_TYPE.ed25519, key),
  );
}

/** The last 32 bytes of the key's standard form (RFC 8410) are the key. */
const rawPublicKey = (key: KeyObject): Uint8Array =>
  key.export({ format: "der", type: "spki" }).subarray(-32);
