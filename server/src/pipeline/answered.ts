import { query, type Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { Chain } from "./chain.ts";
import { readAnswer } from "./idempotency.ts";
import { acknowledge, type Outcome, outcomeOf } from "./outcome.ts";
import type { Parts } from "./parts.ts";

/** The call's Idempotency-Key has an answer already; this chain writes nothing. */
export class Answered extends Error {
  constructor() {
    super("the call was answered before");
  }
}

/** Inside a transaction, before anything is done: twins of a call wait for each other, and the later ones stop. */
export async function stopIfAnswered(tx: Tx, chain: Chain): Promise<void> {
  if (!isKeyed(chain)) return;
  const { principal } = chain.request;
  await query(tx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", [
    `${principal.tenantId} ${principal.id} ${chain.incoming.idempotencyKey}`,
  ]);
  if ((await readAnswer(tx, chain)) !== undefined) throw new Answered();
}

/** Whether this very call was done before. What was done stays done, even if it would be refused by now. */
export async function isAnswered(parts: Parts, chain: Chain): Promise<boolean> {
  if (!isKeyed(chain)) return false;
  try {
    return await parts.db.transaction(
      chain.scope("reader"),
      async (tx) => (await readAnswer(tx, chain)) !== undefined,
    );
  } catch (error) {
    // Another call was done with this key: that does not keep this one's refusal out of the record.
    if (error instanceof Refusal && error.code === "request/idempotency_conflict") return false;
    throw error;
  }
}

/** The answer that this Idempotency-Key got before. */
export async function repeat(parts: Parts, chain: Chain): Promise<Outcome> {
  const answer = await parts.db.transaction(chain.scope("reader"), (tx) => readAnswer(tx, chain));
  if (answer === undefined) throw new Error("an answered key has no answer");
  const { decisionId, output, status } = answer;
  const place = await acknowledge(parts, chain, decisionId);
  return { ...outcomeOf(chain, output, place), id: decisionId, status, repeated: true };
}

const isKeyed = ({ incoming, operation }: Chain): boolean =>
  incoming.idempotencyKey !== undefined && operation.kind === "write";
