import { fromBase64 } from "./bytes.ts";
import { payloadHash } from "./entry.ts";
import { parseJson } from "./parse-json.ts";
import { type VerifiedCheckpoint, verifyCheckpoint } from "./verify-checkpoint.ts";
import { type Failure, failureInsteadOfThrow, VerifyError } from "./verify-error.ts";
import { type VerifiedReceipt, verifyReceipt } from "./verify-receipt.ts";

/** An entry of a root log, and what opens it: base64 salt, canonical JSON `{"checkpoint":NOTE}`. */
export type SealedHead = { receipt: string; salt: string; payload: string };

/** The root log says: the other log showed this head. */
export type VerifiedHead = { ok: true; root: VerifiedReceipt; head: VerifiedCheckpoint };

/** Checks that a root log sealed the head of another log, each under keys that its reader trusts; never throws. */
export function verifyHead(
  { receipt, salt, payload }: SealedHead,
  keys: { root: readonly string[]; log: readonly string[] },
): VerifiedHead | Failure {
  const root = verifyReceipt(receipt, keys.root);
  if (!root.ok) return root;
  return failureInsteadOfThrow(() => {
    if (payloadHash(saltOf(salt), payload) !== root.entry.payload_hash) throw unopened();
    const head = verifyCheckpoint(checkpointOf(payload), keys.log);
    return head.ok ? { ok: true, root, head } : head;
  });
}

function saltOf(base64: string): Uint8Array {
  const salt = fromBase64(base64);
  if (salt?.length !== 32) throw malformed("its salt is not 32 bytes in base64");
  return salt;
}

function checkpointOf(payload: string): string {
  const { checkpoint } = parseJson(payload) as { checkpoint?: unknown };
  if (typeof checkpoint !== "string") throw malformed("its payload holds no checkpoint");
  return checkpoint;
}

const malformed = (why: string) =>
  new VerifyError(
    "verify/head-malformed",
    `This is no sealed head: ${why}.`,
    "Use receipt, salt and payload as they were given, together.",
  );

const unopened = () =>
  new VerifyError(
    "verify/head-unopened",
    "Salt and payload do not give the payload hash of the root log's entry.",
    "Do not trust the head: ask for receipt, salt and payload again, together.",
  );
