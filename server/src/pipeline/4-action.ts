import type { Tx } from "#kernel/db.ts";
import { inNameOf } from "#kernel/whose.ts";
import { mayReadWhy } from "./2-policy.ts";
import type { Chain } from "./chain.ts";
import type { Call, Recorded } from "./operation.ts";
import type { Ports } from "./ports.ts";

/** Step 4 of an append-only operation. */
export async function record(ports: Ports, chain: Chain): Promise<Recorded<unknown>> {
  const recorded = await chain.operation.record!(callOf(ports, chain));
  chain.rows.push(...recorded.rows);
  return { ...recorded, output: shaped(chain, recorded.output) };
}

/** Step 4 before its transaction, where an operation has such work. */
export async function prepare(ports: Ports, chain: Chain): Promise<void> {
  const { tenantId } = chain.request.principal;
  chain.prepared = await inNameOf(tenantId, () => chain.operation.prepare!(callOf(ports, chain)));
}

/** Step 4 of any other operation: the only one of the five that touches the domain's tables. */
export async function action(ports: Ports, chain: Chain, tx: Tx): Promise<Recorded<unknown>> {
  const { prepared } = chain;
  const call = { ...callOf(ports, chain), tx, prepared };
  const output = shaped(chain, await chain.operation.action!(call));
  const subject = chain.operation.subject?.(output);
  return { output, rows: [], ...(subject === undefined ? {} : { subject }) };
}

/** What the operation's own code gets to know. */
export function callOf(ports: Ports, chain: Chain): Call<never> {
  const { principal, input } = chain.request;
  const { id, requestId, time_ms, score } = chain;
  return {
    ports,
    id,
    requestId,
    time_ms,
    principal,
    question: chain.question!,
    input: input as never,
    score,
    mayReadWhy: () => mayReadWhy(ports, chain),
  };
}

/** An output that does not fit its declaration is a bug of ours and stays one. */
const shaped = (chain: Chain, output: unknown): unknown => chain.operation.output.parse(output);
