import { query, type Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";

export interface KeyVersion {
  readonly keyId: string;
  readonly number: number;
  readonly publicKey: Buffer;
}

/** What a key of a log is for, and how it signs. */
export interface KeyKind {
  readonly purpose: "log" | "log-second";
  readonly algorithm: "ed25519" | "ml-dsa-44";
}
const FIRST: KeyKind = { purpose: "log", algorithm: "ed25519" };

/** Makes a key with its first version, unless the log has one of this purpose. */
export async function insertKey(
  tx: Tx,
  key: {
    tenantId: string;
    name: string;
    publicKey: Uint8Array;
    seal: (bound: string) => Uint8Array;
  },
  { purpose, algorithm }: KeyKind = FIRST,
): Promise<void> {
  const id = newId();
  const made = await query(
    tx,
    `insert into security.signing_keys (tenant_id, id, name, purpose, algorithm) values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, purpose, name) do nothing returning id`,
    [key.tenantId, id, key.name, purpose, algorithm],
  );
  if (made.length === 0) return;
  await query(
    tx,
    `insert into security.signing_key_versions (tenant_id, signing_key_id, number, public_key, sealed_private_key, is_current)
     values ($1, $2, 1, $3, $4, true)`,
    [key.tenantId, id, key.publicKey, key.seal(boundTo(id, 1))],
  );
}

/** Adds a key's next version, which signs from now on; the ones before stay, to check what they signed. */
export async function addVersion(
  tx: Tx,
  key: {
    name: string;
    publicKey: Uint8Array;
    seal: (bound: string) => Uint8Array;
  },
): Promise<number | undefined> {
  const [current] = await query<{ tenantId: string; keyId: string; number: number }>(
    tx,
    `select v.tenant_id as "tenantId", v.signing_key_id as "keyId", v.number
     from security.signing_keys k join security.signing_key_versions v on v.tenant_id = k.tenant_id and v.signing_key_id = k.id
     where k.tenant_id = (select ops.tenant()) and k.purpose = 'log' and k.name = $1 and v.is_current for update of v`,
    [key.name],
  );
  if (current === undefined) return undefined;
  const { tenantId, keyId } = current;
  const number = current.number + 1;
  await query(
    tx,
    `update security.signing_key_versions set is_current = false, valid_to = now()
     where tenant_id = $1 and signing_key_id = $2 and is_current`,
    [tenantId, keyId],
  );
  await query(
    tx,
    `insert into security.signing_key_versions (tenant_id, signing_key_id, number, public_key, sealed_private_key, is_current)
     values ($1, $2, $3, $4, $5, true)`,
    [tenantId, keyId, number, key.publicKey, key.seal(boundTo(keyId, number))],
  );
  return number;
}

/** What a sealed private key is bound to, so that it opens in its own row only. */
export const boundTo = (keyId: string, number: number): string => `${keyId}/${number}`;

export interface SealedKeyVersion extends KeyVersion {
  readonly sealed: Buffer;
}

/** The version that signs now, with its sealed private key. */
export async function readCurrentKey(
  tx: Tx,
  name: string,
  purpose: KeyKind["purpose"] = "log",
): Promise<SealedKeyVersion | undefined> {
  const [row] = await readSealedKeys(tx, name, purpose, "v.is_current");
  return row;
}

/** Every version with its sealed private key, the first one first. */
export const readKeyVersions = (tx: Tx, name: string): Promise<SealedKeyVersion[]> =>
  query(
    tx,
    `select v.signing_key_id as "keyId", v.number, v.public_key as "publicKey", v.sealed_private_key as sealed
     from security.signing_keys k join security.signing_key_versions v on v.tenant_id = k.tenant_id and v.signing_key_id = k.id
     where k.tenant_id = (select ops.tenant()) and k.purpose = 'log' and k.name = $1 order by v.number`,
    [name],
  );

/** Numbers and public halves of every version, the first one first. */
export const readPublicVersions = (
  tx: Tx,
  name: string,
): Promise<{ number: number; publicKey: Buffer }[]> =>
  query(
    tx,
    `select v.number, v.public_key as "publicKey"
     from security.signing_keys k join security.signing_key_versions v on v.tenant_id = k.tenant_id and v.signing_key_id = k.id
     where k.tenant_id = (select ops.tenant()) and k.purpose = 'log' and k.name = $1 order by v.number`,
    [name],
  );

/** The version that signed before the current one, with its sealed private key. */
export async function readPreviousKey(
  tx: Tx,
  name: string,
  purpose: KeyKind["purpose"] = "log",
): Promise<SealedKeyVersion | undefined> {
  const [row] = await readSealedKeys(tx, name, purpose, "not v.is_current");
  return row;
}

const readSealedKeys = (
  tx: Tx,
  name: string,
  purpose: KeyKind["purpose"],
  which: string,
): Promise<SealedKeyVersion[]> =>
  query(
    tx,
    `select v.signing_key_id as "keyId", v.number, v.public_key as "publicKey", v.sealed_private_key as sealed
     from security.signing_keys k join security.signing_key_versions v on v.tenant_id = k.tenant_id and v.signing_key_id = k.id
     where k.tenant_id = (select ops.tenant()) and k.purpose = $2 and k.name = $1 and ${which} order by v.number desc limit 1`,
    [name, purpose],
  );

/** Public halves of every version, the current one first. */
export async function readPublicKeys(
  tx: Tx,
  name: string,
  purpose: KeyKind["purpose"] = "log",
): Promise<Buffer[]> {
  const rows = await query<{ publicKey: Buffer }>(
    tx,
    `select v.public_key as "publicKey"
     from security.signing_keys k join security.signing_key_versions v on v.tenant_id = k.tenant_id and v.signing_key_id = k.id
     where k.tenant_id = (select ops.tenant()) and k.purpose = $2 and k.name = $1 order by v.is_current desc, v.number desc`,
    [name, purpose],
  );
  return rows.map(({ publicKey }) => publicKey);
}
