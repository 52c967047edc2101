import { verifyReceipt } from "#verifier";
import type { Tell } from "./print.ts";
import type { Session } from "./session.ts";
import type { Tally } from "./tally.ts";

const WAIT_MS = 50;
const TRIES_MAX = 100;

interface Head {
  readonly log: string;
  readonly size: number;
  readonly root: string;
  readonly checkpoint: string;
  readonly keys: readonly string[];
}

/** One refusal explained, the log's signed head, and a receipt that is checked with nothing but the log's key. */
export async function showProof(session: Session, tally: Tally, tell: Tell): Promise<void> {
  const id = tally.state.lastRefused ?? tally.state.lastAllowed;
  if (id === null) return;
  const receipt = await receiptOf(session, id);
  const why = (await session.call("telemetry.chain.why", { id })).output as { text: string };
  tell({ event: "why", id, text: why.text }, `Why ${id}?\n\n${why.text}\n`);
  const head = (await session.call("ledger.checkpoint.get", {})).output as Head;
  tell(
    { event: "checkpoint", ...head },
    `Checkpoint of ${head.log}: ${head.size} entries, root ${head.root}`,
  );
  const verified = verifyReceipt(receipt, head.keys);
  tell(
    { event: "receipt", ...verified },
    verified.ok
      ? `Receipt of that entry verified offline: entry ${verified.index} of ${verified.size}, ${verified.entry.outcome}, signed by ${verified.keys.join(", ")}`
      : `Receipt NOT VERIFIED: ${verified.message}`,
  );
}

/** Sealing takes a few milliseconds more than answering. */
async function receiptOf({ call }: Session, id: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return ((await call("ledger.receipt.get", { id })).output as { receipt: string }).receipt;
    } catch (error) {
      if (attempt === TRIES_MAX || (error as { code?: string }).code?.endsWith("_pending") !== true)
        throw error;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
}
