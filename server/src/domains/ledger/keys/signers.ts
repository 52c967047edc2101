import { checkLogKeys, openLogSigner, openPreviousLogSigner } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import type { Signer } from "#verifier";
import { isRolloverUncovered } from "./queries.ts";

export interface LogSigners {
  /** The newest key among them, as others know it. */
  readonly key: string;
  readonly signers: readonly Signer[];
  /** The key before signs, too, until a checkpoint covers the entry that names the next: then these are to be loaded again. */
  readonly endorsing: boolean;
}

/** Who signs the next checkpoint of a log with Ed25519; refuses when any key of the log was exchanged. In the writer's scope. */
export async function openLogSigners(
  tx: Tx,
  masterKey: Uint8Array,
  origin: string,
): Promise<LogSigners> {
  const { signer, key } = await openLogSigner(tx, masterKey, origin);
  await checkLogKeys(tx, masterKey, origin);
  if (!(await isRolloverUncovered(tx, key))) return { key, signers: [signer], endorsing: false };
  const previous = await openPreviousLogSigner(tx, masterKey, origin);
  return { key, signers: [signer, previous.signer], endorsing: true };
}
