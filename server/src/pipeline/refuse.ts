import { Refusal } from "#kernel/refusal.ts";
import { linkRead, sealRefused } from "./5-seal.ts";
import { Answered, isAnswered } from "./answered.ts";
import type { Chain } from "./chain.ts";
import { Stale } from "./guard.ts";
import type { Parts } from "./parts.ts";

/** Refusals that say something about the call, not about the state of the machine. */
const SEALED: ReadonlySet<string> = new Set(["policy", "score", "action"]);

/**
 * Records a refusal, in a transaction of its own, since that of the call is gone with all that it wrote. Returns what
 * comes of the call: the refusal; `Stale` when it was decided on something that has changed; `Answered` when an
 * earlier call with its key was done.
 */
export async function refuse(parts: Parts, chain: Chain, error: unknown): Promise<unknown> {
  const { committer, ledger, reads } = parts;
  if (!(error instanceof Refusal)) return error;
  if (chain.decision === undefined || !SEALED.has(error.step)) return error;
  try {
    if (await isAnswered(parts, chain)) return new Answered();
    if (chain.operation.kind !== "write" && error.step === "action") {
      reads.add(chain, linkRead(parts, chain, error.code));
      return error;
    }
    const writing = await sealRefused(parts, chain, error);
    await chain.step("seal", () => committer.commit(writing));
    ledger.wake(writing.tenantId);
    error.callId = chain.id;
    return error;
  } catch (settled) {
    if (settled instanceof Stale || settled instanceof Refusal) return settled;
    throw settled;
  }
}
