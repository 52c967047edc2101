import { decodeEntry, type Entry } from "./entry.ts";
import { parseReceipt } from "./receipt.ts";
import { parseVerifierKey } from "./verifier-key.ts";
import { type Failure, failureInsteadOfThrow, VerifyError } from "./verify-error.ts";
import { verifyReceipt } from "./verify-receipt.ts";

/** What an entry that names a log's next key says of itself. */
export const ROLLOVER_KIND = "rollover";
export const ROLLOVER_ACTION = "ledger.key.rotate";

/** The next key of a log, as its key before names it. */
export type VerifiedRollover = { ok: true; log: string; index: number; nextKey: string };

/** The key that an entry names as the log's next, or undefined if it is about something else. */
export const nextKeyOf = ({ kind, action, refs }: Entry): string | undefined =>
  kind === ROLLOVER_KIND && action === ROLLOVER_ACTION ? refs["next_key"] : undefined;

/**
 * Follows a log's keys from one that its reader trusts: each receipt is of the entry that names the next key, under a
 * checkpoint that the key before signed. Receipts of rollovers before the trusted key are passed over. Never throws.
 */
export function followRollovers(
  trustedKey: string,
  receipts: readonly string[],
  policy?: string,
): { ok: true; key: string; rollovers: VerifiedRollover[] } | Failure {
  return failureInsteadOfThrow(() => follow(trustedKey, receipts, policy));
}

function follow(
  trustedKey: string,
  receipts: readonly string[],
  policy: string | undefined,
): { ok: true; key: string; rollovers: VerifiedRollover[] } | Failure {
  let key = trustedKey;
  let failure: Failure | undefined;
  const rollovers: VerifiedRollover[] = [];
  for (const receipt of receipts) {
    const answer = verifyRollover(receipt, key, policy);
    if (!answer.ok) {
      if (rollovers.length > 0) return answer;
      failure ??= answer;
      continue;
    }
    rollovers.push(answer);
    key = answer.nextKey;
  }
  // Receipts that lead up to the trusted key are those of its past; others that it did not sign are no way from it.
  if (rollovers.length === 0 && failure !== undefined && !receipts.some((r) => names(r, key)))
    return failure;
  return { ok: true, key, rollovers };
}

/** Whether a receipt, believed or not, is of an entry that names this key as the next. */
function names(receipt: string, key: string): boolean {
  const entry = failureInsteadOfThrow(() => ({
    ok: true as const,
    ...decodeEntry(parseReceipt(receipt).entry),
  }));
  return entry.ok && nextKeyOf(entry) === key;
}

/** Checks that the holder of a log's key named its next one; never throws. */
export function verifyRollover(
  receipt: string,
  key: string,
  policy?: string,
): VerifiedRollover | Failure {
  const answer = verifyReceipt(receipt, [key], policy);
  if (!answer.ok) return answer;
  return failureInsteadOfThrow(() => {
    const { entry, index, origin } = answer;
    const nextKey = nextKeyOf(entry);
    if (nextKey === undefined) throw otherwise("its entry names no next key");
    if (entry.refs["previous_key"] !== key) throw otherwise("it is about another key");
    if (parseVerifierKey(nextKey).name !== origin)
      throw otherwise("the next key is not of this log");
    return { ok: true, log: origin, index, nextKey };
  });
}

const otherwise = (why: string) =>
  new VerifyError(
    "verify/no-rollover",
    `This receipt does not hand a key over: ${why}.`,
    "Use the endorsements that GET /v1/ledger/keys gives, in their order.",
  );
