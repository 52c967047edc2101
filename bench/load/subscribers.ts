import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "../kit/rounds.ts";
import { SPEECHES, subscribe } from "../kit/socket.ts";
import type { Heard, Subscribing, Written } from "../kit/subscribers.ts";

/** Subscribers of one project in one process: notes when each of them hears of each event. */
const { port, key, channel, speech, count } = JSON.parse(process.argv[2]!) as Subscribing;
const CONNECTING_MAX = 50;
const WAIT_MS = 60_000;
const LOOK_MS = 5;

/** Milliseconds since 1970, finer than Date's, and the same in every process of this machine. */
const now_ms = () => performance.timeOrigin + performance.now();

const times = new Map<string, number[]>();
const hear = (id: string) => {
  const known = times.get(id);
  if (known === undefined) times.set(id, [now_ms()]);
  else known.push(now_ms());
};

let opened = 0;
const open = async () => {
  while (opened < count) {
    opened++;
    await subscribe(SPEECHES[speech], port, key, channel, hear);
  }
};
await Promise.all(Array.from({ length: CONNECTING_MAX }, open));

let before = process.cpuUsage();
process.on("message", async ({ writes, since_ms }: Written) => {
  const until_ms = now_ms() + WAIT_MS;
  // The log has other entries, too: those that seal the decisions of reads.
  const delivered = () => writes.reduce((sum, { id }) => sum + (times.get(id)?.length ?? 0), 0);
  while (delivered() < writes.length * count && now_ms() < until_ms) await sleep(LOOK_MS);
  const { user, system } = process.cpuUsage(before);
  const heard = writes.map(({ id }) => times.get(id) ?? []);
  const delays = writes.flatMap(({ at_ms }, n) => heard[n]!.map((time) => time - at_ms));
  const lasts = writes.map(({ at_ms }, n) => largest(heard[n]!) - at_ms);
  const last_ms = largest(heard.map(largest));
  const elapsed_ms = last_ms - since_ms;
  const answer: Heard = {
    delivered: delivered(),
    elapsed_ms,
    each_ms: quantiles(delays),
    last_ms: quantiles(lasts),
    busy: (user + system) / 1_000 / elapsed_ms,
  };
  times.clear();
  before = process.cpuUsage();
  process.send!(answer);
});
process.once("disconnect", () => process.exit(0));
process.send!("ready");

function largest(figures: readonly number[]): number {
  return figures.reduce((most, figure) => Math.max(most, figure), 0);
}

const quantiles = (figures: readonly number[]): { p50: number; p99: number } => ({
  p50: percentile(figures, 50),
  p99: percentile(figures, 99),
});
