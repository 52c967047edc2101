import { SealbaseRefusal, SealbaseUnverified } from "./errors.ts";
import type { Meta } from "./method.ts";
import { sleep } from "./send.ts";

/** What this needs of `@sealbase/verifier`. */
export interface Verifier {
  verifyReceipt(
    receipt: string,
    keys: readonly string[],
  ):
    | { readonly ok: true; readonly entry: SealedEntry }
    | { readonly ok: false; readonly code: string; readonly message: string };
}

interface SealedEntry {
  readonly action: string;
  readonly outcome: string;
  readonly refs: Readonly<Record<string, string>>;
}

/** How receipts are checked: by which code, and against which keys. */
export interface Verification {
  /** The module `@sealbase/verifier`, as it is imported. */
  readonly verifier: Verifier;
  /** Verifier keys of the project's log, got by another way than from the server that is checked. */
  readonly logKeys: readonly string[];
}

const TRIES_MAX = 20;
const PAUSE_MS = 250;

/**
 * Checks that a write is in the log that its reader trusts: the receipt proves its entry, and the entry is that of this
 * call. Throws `SealbaseUnverified` otherwise.
 */
export async function verifyCall(
  operation: string,
  { id, requestId, repeated }: Meta,
  { verifier, logKeys }: Verification,
  getReceipt: (id: string) => Promise<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const receipt = await receiptOf(id!, getReceipt, signal);
  const verified = verifier.verifyReceipt(receipt, logKeys);
  if (!verified.ok)
    throw new SealbaseUnverified(verified.message, { receipt, code: verified.code });
  const { action, outcome, refs } = verified.entry;
  // The entry of a repeated call has the request id of the first.
  const isOfCall = refs["decision"] === id && (repeated || refs["request"] === requestId);
  if (!isOfCall || action !== operation || outcome !== "done")
    throw new SealbaseUnverified("The receipt is of another call", {
      receipt,
      code: "verify/other-call",
    });
}

/** Asked for again while no checkpoint covers the entry yet. */
async function receiptOf(
  id: string,
  getReceipt: (id: string) => Promise<string>,
  signal: AbortSignal | undefined,
): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await getReceipt(id);
    } catch (error) {
      const isPending = error instanceof SealbaseRefusal && PENDING.has(error.code);
      if (!isPending || tries === TRIES_MAX) throw error;
      await sleep(PAUSE_MS, signal);
    }
  }
}

const PENDING: ReadonlySet<string> = new Set(["action/entry_pending", "action/receipt_pending"]);
