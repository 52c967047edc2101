import { newId } from "#kernel/ids.ts";
import { span } from "#kernel/trace.ts";
import { request } from "./1-request.ts";
import { policy } from "./2-policy.ts";
import { callOf } from "./4-action.ts";
import { linkRead } from "./5-seal.ts";
import { Chain, type Incoming, noTimings } from "./chain.ts";
import type { Operation } from "./operation.ts";
import type { Parts } from "./parts.ts";
import type { Principal } from "./ports.ts";
import { tooManyStreams } from "./refusals.ts";
import { refuse } from "./refuse.ts";

const STREAMS_MAX = 12_000;
const STREAMS_PER_PROJECT_MAX = 4_000;

/** A stream that was allowed to begin. */
export interface OpenStream {
  readonly requestId: string;
  /** Also the id of the decision. */
  readonly id: string;
  /** Ends when the signal aborts; throws the refusal when the caller may not see more. */
  readonly items: AsyncIterable<unknown>;
}

/** The way of a stream: steps 1 and 2 before its first item, and again whenever the project's revision has moved. */
export async function openStream(
  parts: Parts,
  operation: Operation,
  incoming: Incoming & { readonly signal: AbortSignal },
): Promise<OpenStream> {
  const named = { ...incoming, requestId: incoming.requestId ?? newId() };
  return span(operation.name, async () => {
    const chain = await decided(parts, operation, named, false);
    const { requestId, id } = chain;
    const leave = enter(parts, chain.request.principal.tenantId);
    // Who left while it was decided is not told to the signal's listeners any more.
    if (incoming.signal.aborted) leave();
    else incoming.signal.addEventListener("abort", leave, { once: true });
    return { requestId, id, items: itemsOf(parts, chain, incoming.signal, leave) };
  });
}

/** Who may have the stream, by what holds now. Recorded like a read; a denial is sealed. */
async function decided(
  parts: Parts,
  operation: Operation,
  incoming: Chain["incoming"],
  again: boolean,
): Promise<Chain> {
  const { metrics } = parts;
  const chain = new Chain(parts, operation, incoming, noTimings());
  try {
    await chain.step("request", () => request(parts, chain, again));
    await chain.step("policy", () => policy(parts, chain, again));
    await chain.step("seal", () => parts.reads.add(chain, linkRead(parts, chain, null)));
    metrics.calls.inc({ operation: operation.name, outcome: "done", code: "" });
    return chain;
  } catch (error) {
    const settled = await refuse(parts, chain, error);
    const code = (settled as { code?: string }).code ?? "";
    metrics.calls.inc({ operation: operation.name, outcome: "refused", code });
    throw settled;
  }
}

const open = new WeakMap<Parts, Map<string, number>>();

/** Counts a stream in; what it returns counts it out, once. */
function enter(parts: Parts, tenantId: string): () => void {
  const counts = open.get(parts) ?? new Map<string, number>();
  open.set(parts, counts);
  const inProject = counts.get(tenantId) ?? 0;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (inProject >= STREAMS_PER_PROJECT_MAX || total >= STREAMS_MAX) throw tooManyStreams(inProject);
  counts.set(tenantId, inProject + 1);
  parts.metrics.streams.inc();
  let left = false;
  return () => {
    if (left) return;
    left = true;
    parts.metrics.streams.dec();
    const count = counts.get(tenantId)! - 1;
    if (count === 0) counts.delete(tenantId);
    else counts.set(tenantId, count);
  };
}

async function* itemsOf(
  parts: Parts,
  first: Chain,
  signal: AbortSignal,
  leave: () => void,
): AsyncGenerator<unknown> {
  let chain = first;
  const principalAt = async (revision: number): Promise<Principal> => {
    if (hasEnded(chain, parts.clock()) || revision > chain.request.principal.revision)
      chain = await decided(parts, first.operation, first.incoming, true);
    return chain.request.principal;
  };
  const { address } = first.incoming;
  const call = { ...callOf(parts, first), signal, address, principalAt };
  try {
    for await (const item of first.operation.stream!(call))
      yield shaped(first.operation, item as object);
  } finally {
    leave();
  }
}

/** Whether the caller's key, or the fresh proof of presence with which the stream was decided, has ended since. */
function hasEnded({ request: { principal }, time_ms }: Chain, now_ms: number): boolean {
  const { expiresAt_ms, auth } = principal;
  const stepUpUntil_ms = auth.stepUpUntil_ms ?? Number.NEGATIVE_INFINITY;
  const hadStepUp = time_ms < stepUpUntil_ms;
  return (
    (expiresAt_ms ?? Number.POSITIVE_INFINITY) <= now_ms || (hadStepUp && stepUpUntil_ms <= now_ms)
  );
}

/** One item may go to a thousand readers: it is checked once, and they share what came of it. */
const shapes = new WeakMap<object, unknown>();

function shaped({ output }: Operation, item: object): unknown {
  let shape = shapes.get(item);
  if (shape === undefined) shapes.set(item, (shape = output.parse(item)));
  return shape;
}
