import type { CallToolResult } from "@modelcontextprotocol/server";
import {
  cancelled,
  type Ending,
  type Incoming,
  type Operation,
  openStream,
  type Parts,
} from "#pipeline";
import { refusalFor } from "../invoke.ts";
import * as limits from "./limits.ts";
import { outOfBounds } from "./refusals.ts";
import { doneResult, facts, refusedResult } from "./result.ts";
import { takes } from "./tool.ts";

type Following = Omit<Incoming, "input"> & {
  readonly requestId: string;
  readonly signal: AbortSignal;
};

type Tell = (progress: number, total: number | undefined) => Promise<void>;

/** A stream as one answer: what comes until one of the bounds is reached, and where to go on; of one that ends the whole. */
export async function followFor(
  parts: Parts,
  operation: Operation,
  input: unknown,
  incoming: Following,
  tell: Tell,
): Promise<CallToolResult> {
  const { ends } = operation;
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  try {
    const bounds = boundsOf(operation, input);
    timer = setTimeout(() => ending.abort(cancelled()), bounds.seconds_max * 1_000);
    const signal = AbortSignal.any([incoming.signal, ending.signal]);
    const asked = { ...incoming, input: withBounds(operation, input, bounds), signal };
    const stream = await openStream(parts, operation, asked);
    const items = until(ending.signal, stream.items);
    const output =
      ends === undefined
        ? await part(operation, items, { input, bounds, tell })
        : await whole(ends, items, tell);
    incoming.signal.throwIfAborted();
    return doneResult(output, facts(stream));
  } catch (error) {
    return refusedResult(refusalFor(error, parts.log, incoming.requestId), incoming.requestId);
  } finally {
    clearTimeout(timer);
    ending.abort(cancelled());
  }
}

interface Page {
  readonly input: unknown;
  readonly bounds: Bounds;
  readonly tell: Tell;
}

async function part(
  operation: Operation,
  stream: AsyncIterable<unknown>,
  { input, bounds, tell }: Page,
) {
  const items: unknown[] = [];
  let characters = 0;
  // A stream that counts ends by itself: what it does not count, such as how far it is, would end ours too early.
  const max = takes(operation, "events_max") ? undefined : bounds.events_max;
  for await (const item of stream) {
    items.push(item);
    characters += JSON.stringify(item).length;
    await tell(items.length, max);
    if (
      items.length === (max ?? limits.STREAM_ITEMS_MAX) ||
      characters > limits.STREAM_CHARACTERS_MAX
    )
      break;
  }
  return { items, next: nextOf(operation, items, input) };
}

/** To its end, for which there is always room: how far it is becomes progress, and is no part of the answer. */
async function whole(ends: Ending, stream: AsyncIterable<unknown>, tell: Tell) {
  const items: unknown[] = [];
  let [characters, leftOut, told, ended] = [0, 0, 0, false];
  for await (const item of stream) {
    const fraction = ends.fraction(item as never);
    if (fraction !== null) {
      // Progress grows with each time that it is told, as the protocol has it.
      if (fraction > told) await tell((told = fraction), 1);
      continue;
    }
    ended = ends.isLast(item as never);
    characters += JSON.stringify(item).length;
    const isFull =
      items.length >= limits.STREAM_ITEMS_MAX || characters > limits.STREAM_CHARACTERS_MAX;
    if (ended || !isFull) items.push(item);
    else leftOut++;
  }
  return { items, next: null, ended, left_out: leftOut };
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
  readonly events_max?: number;
  readonly seconds_max: number;
}

function boundsOf({ ends }: Operation, input: unknown): Bounds {
  const given = (typeof input === "object" && input !== null ? input : {}) as Partial<Bounds>;
  const seconds = (usual: number, max: number) =>
    within("seconds_max", given.seconds_max ?? usual, max);
  if (ends !== undefined) return { seconds_max: seconds(ends.seconds_max, ends.seconds_max) };
  const events = given.events_max ?? limits.STREAM_EVENTS;
  return {
    events_max: within("events_max", events, limits.STREAM_EVENTS_MAX),
    seconds_max: seconds(limits.STREAM_SECONDS, limits.STREAM_SECONDS_MAX),
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
