import { query, type Tx } from "#kernel/db.ts";

/** That a key stands by a record. */
export interface Endorsement {
  readonly about: string;
  readonly by: Uint8Array;
  readonly signature: Uint8Array;
  readonly callId: string;
  readonly createdAt: Date;
}

/** Runs an insert of these six columns; false when the key has endorsed the record already. */
export async function insertEndorsement(
  tx: Tx,
  text: string,
  tenantId: string,
  { about, by, signature, callId, createdAt }: Endorsement,
): Promise<boolean> {
  const rows = await query(tx, text, [tenantId, about, by, signature, callId, createdAt]);
  return rows.length > 0;
}
