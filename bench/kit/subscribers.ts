import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { answer } from "./load.ts";
import { paymentOf } from "./payment.ts";
import { expectCount } from "./rounds.ts";
import type { SPEECHES } from "./socket.ts";

export const CHANNEL = "entries";

export interface Subscribing {
  readonly port: number;
  readonly key: string;
  readonly channel: string;
  readonly speech: keyof typeof SPEECHES;
  readonly count: number;
}

/** Writes that were acknowledged; each is one event of the channel. */
export interface Written {
  readonly since_ms: number;
  readonly writes: readonly { readonly id: string; readonly at_ms: number }[];
}

export interface Heard {
  readonly delivered: number;
  /** From the first write's start to the last delivery. */
  readonly elapsed_ms: number;
  /** From a write's acknowledgement until each subscriber heard of it, and until the last one did. */
  readonly each_ms: Quantiles;
  readonly last_ms: Quantiles;
  /** Part of one core that the subscribers' process used. */
  readonly busy: number;
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface Subscribers extends AsyncDisposable {
  /** Waits until every subscriber has heard of every write. */
  heard(written: Written): Promise<Heard>;
}

/** Subscribers in a process of their own. */
export async function startSubscribers(options: Subscribing): Promise<Subscribers> {
  const path = join(import.meta.dirname, "../load/subscribers.ts");
  const child = fork(path, [JSON.stringify(options)], { execArgv: [] });
  await answer(child);
  return {
    async heard(written) {
      child.send(written);
      const heard = (await answer(child)) as Heard;
      expectCount("deliveries", heard.delivered, written.writes.length * options.count);
      return heard;
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}

/** Durable payments over REST, begun `every_ms`, whether or not the one before was answered. */
export async function write(
  { port, key }: { port: number; key: string },
  count: number,
  every_ms: number,
): Promise<Written> {
  const now_ms = () => performance.timeOrigin + performance.now();
  const since_ms = now_ms();
  const post = async (n: number) => {
    await sleep(n * every_ms);
    const response = await fetch(`http://127.0.0.1:${port}/v1/risk/transactions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        prefer: "wait=durable",
      },
      body: JSON.stringify(paymentOf(n)),
    });
    const at_ms = now_ms();
    if (response.status !== 201) throw new Error(await response.text());
    const { id } = (await response.json()) as { id: string };
    return { id, at_ms };
  };
  return { since_ms, writes: await Promise.all(Array.from({ length: count }, (_, n) => post(n))) };
}
