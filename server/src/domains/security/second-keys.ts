import { randomBytes } from "node:crypto";
import type { Tx } from "#kernel/db.ts";
import { formatVerifierKey, KEY_TYPE, type Signer, type Verifier } from "#verifier";
import { boundTo, insertKey, type KeyKind, readCurrentKey, readPublicKeys } from "./queries.ts";
import { openSecret, sealSecret } from "./secret-box.ts";

/** The second key of a log: ML-DSA-44 (FIPS 204), for readers who expect Ed25519 to fall. Its code is loaded by who has one. */
const SECOND: KeyKind = { purpose: "log-second", algorithm: "ml-dsa-44" };
const SEED_BYTES = 32;

/** Signs checkpoints as c2sp.org/tlog-cosignature says, with no statement about time. Makes the key if the log has none. */
export async function openSecondSigner(
  tx: Tx,
  masterKey: Uint8Array,
  tenantId: string,
  origin: string,
): Promise<Signer> {
  const { mlDsaSigner } = await import("#verifier/ml-dsa");
  if ((await readCurrentKey(tx, origin, SECOND.purpose)) === undefined) {
    const seed = randomBytes(SEED_BYTES);
    const key = {
      tenantId,
      name: origin,
      publicKey: mlDsaSigner(origin, seed).publicKey,
      seal: (bound: string) => sealSecret(masterKey, seed, bound),
    };
    await insertKey(tx, key, SECOND); // another server may have been quicker: then its key is the one
  }
  const key = await readCurrentKey(tx, origin, SECOND.purpose);
  if (key === undefined) throw new Error(`log ${origin} has no second key`);
  const { keyId, number, publicKey, sealed } = key;
  const signer = mlDsaSigner(origin, openSecret(masterKey, sealed, boundTo(keyId, number)));
  if (!publicKey.equals(signer.publicKey))
    throw new Error(`the second key of ${origin} is not the one that was published`);
  return signer;
}

/** What others check the log's second signatures with; none where it never had a second key. */
export async function secondVerifierKeys(tx: Tx, origin: string): Promise<string[]> {
  return (await readPublicKeys(tx, origin, SECOND.purpose)).map((key) =>
    formatVerifierKey(origin, KEY_TYPE.mlDsa44, key),
  );
}

/** The checks that belong to those keys. */
export async function secondVerifiers(tx: Tx, origin: string): Promise<Verifier[]> {
  const keys = await secondVerifierKeys(tx, origin);
  if (keys.length === 0) return [];
  const { mlDsaVerifier } = await import("#verifier/ml-dsa");
  return keys.map((key) => mlDsaVerifier(key));
}
