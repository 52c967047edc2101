import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "#pipeline";
import { decodeEntry } from "#verifier";
import type { TestSystem } from "../system.ts";
import type { Caller, Face, Input } from "./face.ts";
import { withPlaceholders } from "./placeholders.ts";
import type { World } from "./world.ts";

/** What can be seen of one call: what came back, what was decided, what was sealed. */
export interface Seen {
  readonly output?: unknown;
  readonly code?: string;
  /** Calls of the chain that the request's id leads to. */
  readonly decisions: readonly Decision[];
  readonly entries: readonly Entry[];
  /** Whether the face told this call's id, or none where it need not: of a stream, or a refusal. */
  readonly toldRight: boolean;
}

interface Decision {
  readonly operation: string;
  readonly actor: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly policy: string | null;
  readonly action: string | null;
  readonly resource: string | null;
}

interface Entry {
  readonly kind: string;
  readonly action: string;
  readonly outcome: string;
}

export async function observe(
  system: TestSystem,
  face: Face,
  operation: Operation,
  { world, input, from }: { world: World; input: Input; from: Caller },
): Promise<Seen> {
  const requestId = `faces-${randomUUID()}`;
  const answer = await face.call(operation, input, from, requestId);
  const said =
    "code" in answer
      ? { code: answer.code }
      : { output: withPlaceholders(answer.output, from.actors) };
  const { ids, ...traces } = await traced(system, world, from, requestId);
  const mayBeSilent = "code" in answer || operation.kind === "stream";
  const { callId } = answer;
  const toldRight = callId === undefined ? mayBeSilent : ids.includes(callId);
  return { ...said, ...traces, toldRight };
}

async function traced(
  system: TestSystem,
  { admin }: World,
  { actors }: Caller,
  requestId: string,
): Promise<Pick<Seen, "decisions" | "entries"> & { readonly ids: readonly string[] }> {
  await system.parts.reads.flush();
  const why = await system.as(admin.key!).call("GET", `/v1/decisions/${requestId}/why`);
  const calls: Chain[] = why.status === 404 ? [] : why.body.calls;
  return {
    decisions: calls.map(({ request, outcome, code, policy }) => ({
      operation: request.operation,
      actor: actors.includes(request.actor) ? "<caller>" : request.actor.split(":")[0]!,
      outcome,
      code,
      policy: policy.outcome,
      action: policy.action,
      resource: policy.resource.type,
    })),
    entries: await entriesOf(
      system,
      calls.flatMap(({ seal }) => seal?.entry_id ?? []),
    ),
    ids: calls.map(({ id }) => id),
  };
}

interface Chain {
  readonly id: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly request: { readonly operation: string; readonly actor: string };
  readonly policy: {
    readonly outcome: string | null;
    readonly action: string | null;
    readonly resource: { readonly type: string | null };
  };
  readonly seal: { readonly entry_id: string } | null;
}

const PUBLISHED_MS = 10_000;

/** What the log has, once nothing of it waits for its place. */
async function entriesOf(system: TestSystem, ids: readonly string[]): Promise<Entry[]> {
  if (ids.length === 0) return [];
  const distinct = [...new Set(ids)];
  const read = () =>
    system.sql<{ entry: Buffer }>(
      "select entry from ledger.entries where id = any($1) order by index",
      [distinct],
    );
  const until_ms = performance.now() + PUBLISHED_MS;
  let rows = await read();
  while (rows.length < distinct.length && performance.now() < until_ms) {
    await sleep(5);
    rows = await read();
  }
  return rows.map(({ entry }) => {
    const { kind, action, outcome } = decodeEntry(entry);
    return { kind, action, outcome };
  });
}
