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
import { refuse } from "./refuse.ts";

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
    return { requestId, id, items: itemsOf(parts, chain, incoming.signal) };
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
    await chain.step("policy", () => policy(parts, chain));
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

async function* itemsOf(parts: Parts, first: Chain, signal: AbortSignal): AsyncGenerator<unknown> {
  let { principal } = first.request;
  const principalAt = async (revision: number): Promise<Principal> => {
    if (principal.revision !== revision)
      principal = (await decided(parts, first.operation, first.incoming, true)).request.principal;
    return principal;
  };
  const call = { ...callOf(parts, first), signal, principalAt };
  for await (const item of first.operation.stream!(call)) yield first.operation.output.parse(item);
}
