import { randomBytes } from "node:crypto";
import type { Tx } from "#kernel/db.ts";
import { formatVerifierKey, KEY_TYPE, type Signer, type Verifier } from "#verifier";
import { boundTo, insertKey, type KeyKind, readCurrentKey, readPublicKeys } from "./queries.ts";
import { openSecret, sealSecret } from "./secret-box.ts";

/** The second key of a log: ML-DSA-44 (FIPS 204), for readers who expect Ed25519 to fall. Its code is loaded by who has one. */
const SECOND: KeyKind = { purpose: "log-second", algorithm: "ml-dsa-44" };
const SEED_BYTES = 32;

/** Makes the log's second key, unless it has one. */
export async function ensureSecondKey(
  tx: Tx,
  masterKey: Uint8Array,
  tenantId: string,
  origin: string,
): Promise<void> {
  if ((await readCurrentKey(tx, origin, SECOND.purpose)) !== undefined) return;
  const { mlDsaSigner } = await import("#verifier/ml-dsa");
  const seed = randomBytes(SEED_BYTES);
  const { publicKey } = mlDsaSigner(origin, seed);
  const seal = (bound: string) => sealSecret(masterKey, seed, bound);
  // Another server may have been quicker: then its key is the one.
  await insertKey(tx, { tenantId, name: origin, publicKey, seal }, SECOND);
}

/** Signs checkpoints as c2sp.org/tlog-cosignature says, with no statement about time; nobody where the log has no second key. */
export async function openSecondSigners(
  tx: Tx,
  masterKey: Uint8Array,
  origin: string,
): Promise<Signer[]> {
  const key = await readCurrentKey(tx, origin, SECOND.purpose);
  if (key === undefined) return [];
  const { mlDsaSigner } = await import("#verifier/ml-dsa");
  const { keyId, number, publicKey, sealed } = key;
  const signer = mlDsaSigner(origin, openSecret(masterKey, sealed, boundTo(keyId, number)));
  if (publicKey.equals(signer.publicKey)) return [signer];
  throw new Error(`the second key of ${origin} is not the one that was published`);
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
