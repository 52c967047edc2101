import { openLogSigner, openPreviousLogSigner } from "#domains/security";
import type { Tx } from "#kernel/db.ts";
import type { Signer } from "#verifier";
import { isRolloverUncovered } from "./queries.ts";

export interface LogSigners {
  /** Of the newest key among them. */
  readonly number: number;
  readonly signers: readonly Signer[];
  /** The key before signs, too, until a checkpoint covers the entry that names the next: then these are to be loaded again. */
  readonly endorsing: boolean;
}

/** Who signs the next checkpoint of a log with Ed25519. In the writer's scope. */
export async function openLogSigners(
  tx: Tx,
  masterKey: Uint8Array,
  origin: string,
): Promise<LogSigners> {
  const { signer, number } = await openLogSigner(tx, masterKey, origin);
  if (!(await isRolloverUncovered(tx))) return { number, signers: [signer], endorsing: false };
  const previous = await openPreviousLogSigner(tx, masterKey, origin);
  return { number, signers: [signer, previous.signer], endorsing: true };
}
