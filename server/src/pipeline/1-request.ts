import type { z } from "zod";
import { canonicalJson } from "#verifier";
import type { Chain } from "./chain.ts";
import type { Parts } from "./parts.ts";
import { Suspicion } from "./ports.ts";
import { refuseUncheckable } from "./precondition.ts";
import { badIdempotencyKey, badRequestId, invalid } from "./refusals.ts";

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
export const isRequestId = (text: string): boolean => REQUEST_ID.test(text);

const IDEMPOTENCY_KEY = /^[\x21-\x7e]+$/;
export const IDEMPOTENCY_KEY_MAX = 200;
const ISSUES_MAX = 20;
/** NUL as canonical JSON writes it; after an even number of backslashes it is one, after an odd number text. */
const NUL = /(?<!\\)(?:\\\\)*\\u0000/;

/**
 * Step 1: who calls, and what for. What does not get past here is counted, not sealed.
 * @param again the call is decided again, because what caches know of its key has changed
 */
export async function request(parts: Parts, chain: Chain, again: boolean): Promise<void> {
  const { incoming, operation } = chain;
  incoming.signal?.throwIfAborted();
  if (!isRequestId(chain.requestId)) throw badRequestId();
  const key = incoming.idempotencyKey;
  if (key !== undefined && (key.length > IDEMPOTENCY_KEY_MAX || !IDEMPOTENCY_KEY.test(key)))
    throw badIdempotencyKey();
  refuseUncheckable(chain);
  const principal = await parts
    .authenticate(incoming.credential, again)
    .catch((error) => suspect(parts, chain, error));
  const parsed = operation.input.safeParse(incoming.input);
  if (!parsed.success) throw invalid({ issues: issues(parsed.error) });
  chain.admitted = { principal, input: parsed.data, canonicalInput: canonical(parsed.data) };
}

/** The input as it is hashed and kept. PostgreSQL keeps no NUL, and UTF-8 no half of a surrogate pair. */
function canonical(input: unknown): string {
  let text: string;
  try {
    text = canonicalJson(input);
  } catch (error) {
    throw invalid({ issues: [(error as Error).message] });
  }
  if (NUL.test(text)) throw invalid({ issues: ["a string contains NUL"] });
  return text;
}

function issues(error: z.ZodError): string[] {
  const lines = error.issues
    .slice(0, ISSUES_MAX)
    .map(({ path, message }) =>
      path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`,
    );
  const more = error.issues.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

/** A forged, revoked or expired key is told to the project that it names; the caller learns nothing from it. */
function suspect(parts: Parts, chain: Chain, error: unknown): never {
  if (!(error instanceof Suspicion)) throw error;
  parts.suspicions.add(error, chain.requestId);
  throw error.refusal;
}
