import type { GraphQLFieldConfig, GraphQLResolveInfo } from "graphql";
import type { Refusal, Step } from "#kernel/refusal.ts";
import { type Operation, type Outcome, openStream, type Parts } from "#pipeline";
import type { CallHeaders } from "../incoming.ts";
import { invoke, type Result } from "../invoke.ts";
import { problemOf } from "../rest/problem.ts";
import { inputOf } from "./input.ts";
import { badCount } from "./refusals.ts";
import type { Drawn } from "./types.ts";

/** What resolvers know of the request that they work for. */
export interface Context {
  readonly sealbase: Asking;
}

export interface Asking {
  readonly parts: Parts;
  readonly headers: CallHeaders;
  /** Aborts when the caller left or the server stops. */
  readonly signal: AbortSignal;
  /** Ends the connection of a reader who takes nothing any more. */
  readonly drop: () => void;
  /** Facts of the calls that were made, as they were done. */
  readonly calls: CallFacts[];
  /** Names of the document's mutations in the answer, in order. */
  mutations: readonly string[];
}

/** What the other faces tell in headers. */
export interface CallFacts {
  /** Where in the answer. */
  readonly path: readonly (string | number)[];
  readonly operation: string;
  readonly id: string;
  readonly request_id: string;
  readonly entry: Outcome["place"];
  readonly repeated: boolean;
  readonly timings_ms: Readonly<Record<Step, number>> | null;
}

type Field = GraphQLFieldConfig<unknown, Context>;
type Resolve = NonNullable<Field["resolve"]>;

export function callOne(operation: Operation, input: Drawn): Resolve {
  return async (_, args, { sealbase }, info) => {
    const given = operation.kind === "write" ? (args["input"] ?? {}) : args;
    const incoming = { ...sealbase.headers, idempotencyKey: keyOf(sealbase, info) };
    return outputOf(
      await call(operation, sealbase, incoming, inputOf(given, input), [info.path.key]),
    );
  };
}

/** A list as a Relay connection. Only the way forward is known, as on every face. */
export function callList(operation: Operation, input: Drawn): Resolve {
  return async (_, { first, after, ...filters }, { sealbase }, info) => {
    const given = inputOf({ limit: first, cursor: after, ...filters }, input);
    const result = await call(operation, sealbase, sealbase.headers, given, [info.path.key]);
    const { items, next_cursor } = outputOf(result) as {
      items: never[];
      next_cursor: string | null;
    };
    const edges = items.map((node) => ({ node, cursor: operation.page!.cursor(node) }));
    return {
      edges,
      nodes: items,
      pageInfo: {
        hasNextPage: next_cursor !== null,
        hasPreviousPage: typeof after === "string",
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
    };
  };
}

/** Inputs that are on their way at once, as on the REST face: enough to share commits. */
const AT_ONCE_MAX = 256;

export function callMany(operation: Operation, input: Drawn): Resolve {
  return async (_, args, { sealbase }, info) => {
    const inputs = args["inputs"] as readonly unknown[];
    const max = operation.manyMax!;
    if (inputs.length === 0 || inputs.length > max) throw badCount(inputs.length, max);
    const { headers } = sealbase;
    const key = keyOf(sealbase, info);
    const one = (given: unknown, place: number) => {
      const idempotencyKey = key === undefined ? undefined : `${key}#${place}`;
      const path = [info.path.key, place];
      return call(operation, sealbase, { ...headers, idempotencyKey }, inputOf(given, input), path);
    };
    // One bad key or request id concerns all of them: the first input tells before the others start.
    const results = [await one(inputs[0], 0)];
    if (concernsAll(results[0]!.refusal)) throw results[0]!.refusal;
    while (results.length < inputs.length) {
      const from = results.length;
      const slice = inputs.slice(from, from + AT_ONCE_MAX);
      results.push(...(await Promise.all(slice.map((given, at) => one(given, from + at)))));
    }
    return results.map(({ outcome, refusal }) =>
      refusal === undefined
        ? { ok: true, status: outcome.status, output: outcome.output }
        : { ok: false, status: refusal.status, problem: problemOf(refusal, headers.requestId) },
    );
  };
}

const concernsAll = (refusal: Refusal | undefined): refusal is Refusal =>
  refusal !== undefined &&
  (refusal.code === "request/unauthenticated" || refusal.code.startsWith("request/bad_"));

/** A reader that takes nothing for this long, while there is something to take, has gone. */
const STALLED_MS = 60_000;

export function callStream(
  operation: Operation,
  input: Drawn,
): Pick<Field, "subscribe" | "resolve"> {
  return {
    async subscribe(_, args, { sealbase }, info) {
      const { parts, headers, signal, drop, calls } = sealbase;
      const incoming = { ...headers, input: inputOf(args, input), signal };
      const { id, requestId, items } = await openStream(parts, operation, incoming);
      calls.push({
        ...BEGUN,
        path: [info.path.key],
        operation: operation.name,
        id,
        request_id: requestId,
      });
      return heeded(items, drop);
    },
    resolve: (item) => item,
  };
}

const BEGUN = { entry: null, repeated: false, timings_ms: null };

/** The items, for as long as somebody takes them. */
async function* heeded(items: AsyncIterable<unknown>, drop: () => void): AsyncGenerator<unknown> {
  for await (const item of items) {
    const stalled = setTimeout(drop, STALLED_MS);
    try {
      yield item;
    } finally {
      clearTimeout(stalled);
    }
  }
}

async function call(
  operation: Operation,
  { parts, signal, calls }: Asking,
  incoming: CallHeaders,
  input: unknown,
  path: CallFacts["path"],
): Promise<Result> {
  const result = await invoke(parts, operation, { ...incoming, input, signal });
  if (result.outcome !== undefined) {
    const { id, requestId, place, repeated, timings_ms } = result.outcome;
    calls.push({
      path,
      operation: operation.name,
      id,
      request_id: requestId,
      entry: place,
      repeated,
      timings_ms,
    });
  }
  return result;
}

function outputOf({ outcome, refusal }: Result): unknown {
  if (refusal !== undefined) throw refusal;
  return outcome.output;
}

/** One key is for one call: several mutations of a document get one each, by their place in it. */
function keyOf({ headers, mutations }: Asking, { path }: GraphQLResolveInfo): string | undefined {
  const { idempotencyKey } = headers;
  if (idempotencyKey === undefined || mutations.length < 2) return idempotencyKey;
  return `${idempotencyKey}#${mutations.indexOf(String(path.key))}`;
}
