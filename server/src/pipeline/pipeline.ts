import { Refusal, type Step } from "#kernel/refusal.ts";
import { span } from "#kernel/trace.ts";
import { request } from "./1-request.ts";
import { policy } from "./2-policy.ts";
import { score } from "./3-score.ts";
import { action, record } from "./4-action.ts";
import { linkRead, sealDone, sealRefused } from "./5-seal.ts";
import { Chain, type Incoming, noTimings } from "./chain.ts";
import { guard } from "./guard.ts";
import { readAnswer, takeTurn } from "./idempotency.ts";
import { writeAll } from "./commit.ts";
import type { Operation } from "./operation.ts";
import type { Parts, Place } from "./ports.ts";
import { restless } from "./refusals.ts";
import { Answered, Stale } from "./stale.ts";

export interface Outcome {
  readonly output: unknown;
  readonly status: number;
  readonly requestId: string;
  /** Also the id of the call's decision, score and ledger entry. */
  readonly id: string;
  /** Where the entry stands; null for reads and when the caller did not wait. */
  readonly place: Place | null;
  /** True when this is the stored answer of an earlier call with the same Idempotency-Key. */
  readonly repeated: boolean;
  readonly timings_ms: Readonly<Record<Step, number>>;
}

const ATTEMPTS_MAX = 5;

/** The way of every call, whichever face it came through. */
export async function run(parts: Parts, operation: Operation, incoming: Incoming): Promise<Outcome> {
  const timings_ms = noTimings();
  return span(operation.name, async () => {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const chain = new Chain(parts, operation, incoming, timings_ms);
      try {
        return counted(parts, await walk(parts, chain, attempt > 1), operation);
      } catch (error) {
        if (error instanceof Answered) return await repeat(parts, chain);
        const settled = error instanceof Stale ? error : await refused(parts, chain, error);
        if (!(settled instanceof Stale)) throw settled;
      }
    }
    throw restless();
  });
}

async function walk(parts: Parts, chain: Chain, again: boolean): Promise<Outcome> {
  await chain.step("request", () => request(parts, chain, again));
  await chain.step("policy", () => policy(parts, chain));
  await chain.step("score", () => score(parts, chain));
  if (chain.operation.kind === "read") return read(parts, chain);
  if (chain.operation.record !== undefined) return append(parts, chain);
  return transact(parts, chain);
}

/** An action that only adds rows: it shares its commit with the calls beside it. */
async function append(parts: Parts, chain: Chain): Promise<Outcome> {
  const done = await chain.step("action", () => record(parts, chain));
  const place = await chain.step("seal", async () => {
    await parts.committer.commit(await sealDone(parts, chain, done));
    return acknowledge(parts, chain);
  });
  return outcome(chain, done.output, place);
}

/** An action with a transaction of its own, in which everything about the call is written. */
async function transact(parts: Parts, chain: Chain): Promise<Outcome> {
  await parts.ledger.ready(chain.request.principal.tenantId);
  const output = await parts.db.transaction(scopeOf(chain, "writer"), async (tx) => {
    const done = await chain.step("action", async () => {
      if (chain.incoming.idempotencyKey !== undefined) {
        await takeTurn(tx, chain);
        if ((await readAnswer(tx, chain)) !== undefined) throw new Answered();
      }
      await guard(parts, tx, chain);
      return action(parts, chain, tx);
    });
    await chain.step("seal", async () => {
      const { lost } = await writeAll(tx, parts.revision, [await sealDone(parts, chain, done)]);
      if (lost.size > 0) throw new Answered();
    });
    return done.output;
  });
  return outcome(chain, output, await chain.step("seal", () => acknowledge(parts, chain)));
}

/** Nothing changes: the decision is logged a moment later, and sealed with the others of its minute. */
async function read(parts: Parts, chain: Chain): Promise<Outcome> {
  const { output } = await parts.db.transaction(scopeOf(chain, "reader"), (tx) =>
    chain.step("action", async () => {
      await guard(parts, tx, chain);
      return action(parts, chain, tx);
    }),
  );
  await chain.step("seal", () => parts.reads.add(chain, linkRead(parts, chain, null)));
  return outcome(chain, output, null);
}

const scopeOf = ({ request: { principal }, operation }: Chain, role: "reader" | "writer") => ({
  role,
  tenantId: principal.tenantId,
  organizationId: operation.scope === "organization" ? principal.organizationId : undefined,
});

async function acknowledge(parts: Parts, { request, id, incoming }: Chain): Promise<Place | null> {
  parts.ledger.wake(request.principal.tenantId);
  return incoming.acknowledge === "durable" ? null : parts.ledger.published(request.principal.tenantId, id);
}

/** The answer that this Idempotency-Key got before. */
async function repeat(parts: Parts, chain: Chain): Promise<Outcome> {
  const answer = await parts.db.transaction(scopeOf(chain, "writer"), (tx) => readAnswer(tx, chain));
  if (answer === undefined) throw new Error("an answered key has no answer");
  const place = chain.incoming.acknowledge === "durable"
    ? null
    : await parts.ledger.published(chain.request.principal.tenantId, answer.decisionId);
  return { ...outcome(chain, answer.output, place), id: answer.decisionId, status: answer.status, repeated: true };
}

/** Refusals that say something about the call, not about the state of the machine. */
const SEALED: ReadonlySet<string> = new Set(["policy", "score", "action"]);

/**
 * A refusal is recorded in a transaction of its own, since that of the call is gone with all that it wrote. Returns
 * what the caller gets: the refusal, or `Stale` when it was decided on something that has changed.
 */
async function refused(parts: Parts, chain: Chain, error: unknown): Promise<unknown> {
  if (!(error instanceof Refusal)) {
    parts.metrics.calls.inc({ operation: chain.operation.name, outcome: "failed", code: "" });
    return error;
  }
  parts.metrics.calls.inc({ operation: chain.operation.name, outcome: "refused", code: error.code });
  if (chain.decision === undefined || !SEALED.has(error.step)) return error;
  if (chain.operation.kind === "read" && error.step === "action") {
    parts.reads.add(chain, linkRead(parts, chain, error.code));
  } else {
    const writing = await sealRefused(parts, chain, error);
    const stale = await chain.step("seal", () => parts.committer.commit(writing).catch(staleOnly));
    if (stale !== undefined) return stale;
    parts.ledger.wake(writing.tenantId);
  }
  return error;
}

function staleOnly(error: unknown): Stale {
  if (error instanceof Stale) return error;
  throw error;
}

const outcome = (chain: Chain, output: unknown, place: Place | null): Outcome => ({
  output,
  status: chain.operation.status ?? 200,
  requestId: chain.requestId,
  id: chain.id,
  place,
  repeated: false,
  timings_ms: chain.timings_ms,
});

function counted(parts: Parts, done: Outcome, operation: Operation): Outcome {
  parts.metrics.calls.inc({ operation: operation.name, outcome: "done", code: "" });
  return done;
}
