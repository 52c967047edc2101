import type { CallToolResult } from "@modelcontextprotocol/server";
import { cancelled, type Incoming, type Operation, openStream, type Parts } from "#pipeline";
import { refusalFor } from "../invoke.ts";
import * as limits from "./limits.ts";
import { outOfBounds } from "./refusals.ts";
import { doneResult, facts, refusedResult } from "./result.ts";
import { takes } from "./tool.ts";

type Following = Omit<Incoming, "input"> & {
  readonly requestId: string;
  readonly signal: AbortSignal;
};

/** A stream as one answer: what comes until one of the bounds is reached, and where to go on. */
export async function followFor(
  parts: Parts,
  operation: Operation,
  input: unknown,
  incoming: Following,
  tell: (progress: number, total: number | undefined) => Promise<void>,
): Promise<CallToolResult> {
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    const bounds = boundsOf(input);
    timer = setTimeout(() => ending.abort(cancelled()), bounds.seconds_max * 1_000);
    const signal = AbortSignal.any([incoming.signal, ending.signal]);
    const asked = { ...incoming, input: withBounds(operation, input, bounds), signal };
    const stream = await openStream(parts, operation, asked);
    const items: unknown[] = [];
    let characters = 0;
    // A stream that counts ends by itself: what it does not count, such as how far it is, would end ours too early.
    const max = takes(operation, "events_max") ? undefined : bounds.events_max;
    for await (const item of until(ending.signal, stream.items)) {
      items.push(item);
      characters += JSON.stringify(item).length;
      await tell(items.length, max);
      if (
        items.length === (max ?? limits.STREAM_ITEMS_MAX) ||
        characters > limits.STREAM_CHARACTERS_MAX
      )
        break;
    }
    incoming.signal.throwIfAborted();
    return doneResult({ items, next: nextOf(operation, items, input) }, facts(stream));
  } catch (error) {
    return refusedResult(refusalFor(error, parts.log, incoming.requestId), incoming.requestId);
  } finally {
    clearTimeout(timer);
    ending.abort(cancelled());
  }
}

/** The items until our own time is up; a stream may end with the reason for which it was ended. */
async function* until(ending: AbortSignal, items: AsyncIterable<unknown>): AsyncGenerator<unknown> {
  try {
    yield* items;
  } catch (error) {
    if (!ending.aborted || error !== ending.reason) throw error;
  }
}

interface Bounds {
  readonly events_max: number;
  readonly seconds_max: number;
}

function boundsOf(input: unknown): Bounds {
  const given = (typeof input === "object" && input !== null ? input : {}) as Partial<Bounds>;
  return {
    events_max: within(
      "events_max",
      given.events_max ?? limits.STREAM_EVENTS,
      limits.STREAM_EVENTS_MAX,
    ),
    seconds_max: within(
      "seconds_max",
      given.seconds_max ?? limits.STREAM_SECONDS,
      limits.STREAM_SECONDS_MAX,
    ),
  };
}

function within(field: string, value: unknown, max: number): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max)
    return value as number;
  throw outOfBounds(field, max);
}

/** A stream that knows the bounds ends by itself; one that does not would refuse them. */
function withBounds(operation: Operation, input: unknown, bounds: Bounds): unknown {
  const asked: Record<string, unknown> = { ...(input as object), ...bounds };
  for (const field of Object.keys(bounds)) if (!takes(operation, field)) delete asked[field];
  return asked;
}

function nextOf({ resume }: Operation, items: readonly unknown[], input: unknown): unknown {
  if (resume === undefined) return null;
  const last = items.at(-1);
  if (last !== undefined) return resume.offset(last as never);
  return (input as Record<string, unknown> | undefined)?.[resume.input] ?? null;
}
