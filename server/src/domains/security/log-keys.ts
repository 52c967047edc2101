import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Tx } from "#kernel/db.ts";
import { formatVerifierKey, KEY_TYPE, keyIdOf, type Signer } from "#verifier";
import {
  addVersion,
  boundTo,
  insertKey,
  readCurrentKey,
  readPreviousKey,
  readPublicKeys,
  type SealedKeyVersion,
} from "./queries.ts";
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

function signerOf(
  masterKey: Uint8Array,
  origin: string,
  { keyId, number, publicKey, sealed }: SealedKeyVersion,
): NumberedSigner {
  const secret = openSecret(masterKey, sealed, boundTo(keyId, number));
  const privateKey = createPrivateKey({ key: secret, format: "der", type: "pkcs8" });
  const id = keyIdOf(origin, KEY_TYPE.ed25519, publicKey);
  return {
    number,
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
