import type { Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import { span } from "#kernel/trace.ts";
import { request } from "./1-request.ts";
import { policy } from "./2-policy.ts";
import { score } from "./3-score.ts";
import { action, prepare, record } from "./4-action.ts";
import { linkRead, sealDone } from "./5-seal.ts";
import { useApproval } from "./agent.ts";
import { Answered, repeat, stopIfAnswered } from "./answered.ts";
import { Chain, type Incoming, noTimings } from "./chain.ts";
import { writeAll } from "./commit.ts";
import { guard, guardWrite, Stale } from "./guard.ts";
import type { Operation } from "./operation.ts";
import { acknowledge, counted, type Outcome, outcomeOf } from "./outcome.ts";
import type { Parts } from "./parts.ts";
import { checkPrecondition } from "./precondition.ts";
import { restless } from "./refusals.ts";
import { refuse } from "./refuse.ts";

const ATTEMPTS_MAX = 5;

/** The way of every call, whichever face it came through. */
export async function run(
  parts: Parts,
  operation: Operation,
  incoming: Incoming,
): Promise<Outcome> {
  const named = { ...incoming, requestId: incoming.requestId ?? newId() };
  const timings_ms = noTimings();
  const call = span(operation.name, async () => {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const chain = new Chain(parts, operation, named, timings_ms);
      try {
        return await walk(parts, chain, attempt > 1);
      } catch (error) {
        // Decided on keys, policies or a threshold that have changed since: once more from the start.
        if (error instanceof Stale) continue;
        if (error instanceof Answered) return await repeat(parts, chain);
        const settled = await refuse(parts, chain, error);
        if (settled instanceof Stale) continue;
        if (settled instanceof Answered) return await repeat(parts, chain);
        throw settled;
      }
    }
    throw restless();
  });
  return counted(parts, operation, { requestId: named.requestId, timings_ms }, call);
}

async function walk(parts: Parts, chain: Chain, again: boolean): Promise<Outcome> {
  await chain.step("request", () => request(parts, chain, again));
  await chain.step("policy", () => policy(parts, chain, again));
  await chain.step("score", () => score(parts, chain));
  if (chain.operation.prepare !== undefined)
    await chain.step("action", () => prepare(parts, chain));
  if (chain.operation.kind === "read") return read(parts, chain);
  const mayShare = chain.operation.record !== undefined && chain.approval === undefined;
  if (mayShare) return append(parts, chain);
  return transact(parts, chain);
}

/** An action that only adds rows: it shares its commit with the calls beside it. */
async function append(parts: Parts, chain: Chain): Promise<Outcome> {
  const done = await chain.step("action", () => record(parts, chain));
  const place = await chain.step("seal", async () => {
    const writing = await sealDone(parts, chain, done);
    chain.incoming.signal?.throwIfAborted();
    await parts.committer.commit(writing);
    return acknowledge(parts, chain, chain.id);
  });
  return outcomeOf(chain, done.output, place);
}

/** A call with a transaction of its own, in which everything about it is written. */
async function transact(parts: Parts, chain: Chain): Promise<Outcome> {
  await parts.ledger.ready(chain.request.principal.tenantId);
  const write = async (tx: Tx) => {
    const done = await chain.step("action", async () => {
      await stopIfAnswered(tx, chain);
      await guard(parts, tx, chain);
      await checkPrecondition(parts, chain, tx);
      const acted =
        chain.operation.record === undefined
          ? await action(parts, chain, tx)
          : await record(parts, chain);
      await useApproval(parts, tx, chain);
      await guardWrite(parts, tx, chain);
      return acted;
    });
    await chain.step("seal", async () => {
      const { lost } = await writeAll(tx, parts.revision, [await sealDone(parts, chain, done)]);
      if (lost.size > 0) throw new Answered();
    });
    return done.output;
  };
  const { signal } = chain.incoming;
  const output = await parts.db.transaction(chain.scope("writer"), write, signal);
  const place = await chain.step("seal", () => acknowledge(parts, chain, chain.id));
  return outcomeOf(chain, output, place);
}

/** Nothing changes: the decision is logged a moment later, and sealed with the others of its minute. */
async function read(parts: Parts, chain: Chain): Promise<Outcome> {
  const look = (tx: Tx) =>
    chain.step("action", async () => {
      await guard(parts, tx, chain);
      return action(parts, chain, tx);
    });
  const { signal } = chain.incoming;
  const { output } = await parts.db.transaction(chain.scope("reader"), look, signal);
  await chain.step("seal", () => parts.reads.add(chain, linkRead(parts, chain, null)));
  return outcomeOf(chain, output, null);
}
