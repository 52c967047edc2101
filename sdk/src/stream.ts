import { delayOf, RETRIED } from "./backoff.ts";
import { isProblem, SealbaseRefusal, SealbaseUnanswered } from "./errors.ts";
import { eventsIn } from "./events.ts";
import type { Route } from "./method.ts";
import { requestOf } from "./request.ts";
import { sleep } from "./send.ts";

export interface Streaming {
  readonly url: string;
  readonly key: string;
  readonly fetch: typeof fetch;
  /** Attempts to connect again after the stream broke, until the next item comes. */
  readonly retries: number;
  readonly requestId: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The server says something at least every 10 seconds: after three times that the connection is gone. */
const SILENCE_MS = 30_000;

/**
 * The items of a stream, each at least once and in order. A broken connection is opened again after the last item that
 * came; ends when the server ends it, throws the refusal when the caller may not have more.
 */
export async function* follow<Item>(
  streaming: Streaming,
  route: Route,
  input: Readonly<Record<string, unknown>>,
): AsyncGenerator<Item, void, undefined> {
  const { retries, signal } = streaming;
  let at: string | undefined;
  let given = 0;
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted();
    let why = "the stream broke off";
    const silence = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new Error("silence")), SILENCE_MS);
    };
    try {
      heard();
      const left = leftOf(input, given);
      const resumed = at === undefined || route.resume === undefined ? {} : { [route.resume]: at };
      const signals = signal === undefined ? [silence.signal] : [silence.signal, signal];
      const response = await open(streaming, route, { ...input, ...left, ...resumed }, signals);
      for await (const { event, id, data } of eventsIn(response.body!)) {
        heard();
        if (event === "end") return;
        if (event === "refusal") throw new SealbaseRefusal(JSON.parse(data));
        at = id ?? at;
        failures = 0;
        const item = JSON.parse(data) as Item;
        if ((item as { channel?: unknown }).channel !== "head") given++;
        yield item;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SealbaseRefusal && !RETRIED.has(error.status)) throw error;
      why = (error as Error).message;
    } finally {
      clearTimeout(timer);
      // Whoever stops reading hangs up.
      silence.abort();
    }
    // One that cannot go on would begin again, and give its items twice.
    if (failures >= retries || (route.resume === undefined && given > 0))
      throw new SealbaseUnanswered(`The stream broke and could not be opened again: ${why}`, {
        attempts: failures + 1,
        idempotencyKey: undefined,
      });
    await sleep(delayOf(failures + 1, Math.random()), signal);
  }
}

/** How many events are still wanted, where that was said. */
const leftOf = ({ events_max }: Readonly<Record<string, unknown>>, given: number): object =>
  typeof events_max === "number" ? { events_max: events_max - given } : {};

async function open(
  { url, key, fetch, requestId }: Streaming,
  route: Route,
  input: Readonly<Record<string, unknown>>,
  signals: AbortSignal[],
): Promise<Response> {
  const sent = requestOf({ url, key }, route, input, {
    idempotencyKey: undefined,
    requestId,
    acknowledge: undefined,
  });
  const response = await fetch(sent.url, {
    method: sent.method,
    headers: { ...sent.headers, Accept: "text/event-stream" },
    ...(sent.body === undefined ? {} : { body: sent.body }),
    redirect: "manual",
    signal: AbortSignal.any(signals),
  });
  const type = response.headers.get("Content-Type") ?? "";
  if (response.ok && type.startsWith("text/event-stream")) return response;
  const body: unknown = await response.json().catch(() => undefined);
  if (isProblem(body)) throw new SealbaseRefusal(body);
  throw new Error(`what answered with status ${response.status} is not Sealbase`);
}
