import { isFull, measure } from "./kit/claim.ts";
import { median } from "./kit/rounds.ts";
import { cpuSeconds, prepare, type Served, serve } from "./kit/served.ts";
import { CHANNEL, type Heard, startSubscribers, write } from "./kit/subscribers.ts";

const SUBSCRIBERS = 1_000;
const ROUNDS = isFull ? 7 : 3;
const STEADY = { writes: isFull ? 200 : 20, every_ms: 50 };
const BURST = { writes: isFull ? 400 : 100, every_ms: 0 };
const SPEECHES = ["WebSocket", "SSE"] as const;

await measure(
  {
    name: "realtime",
    says:
      `until each of ${SUBSCRIBERS} WebSocket subscribers has heard of a write, 99th percentile from its durable acknowledgement ` +
      `(${1_000 / STEADY.every_ms} writes per second; sequenced, signed and published in between)`,
    unit: "ms",
    target: 250,
    bound: "max",
  },
  async () => {
    using prepared = await prepare();
    await using served = await serve(prepared);
    const project = { port: served.port, key: prepared.key };
    const found: Record<string, Measured> = {};
    for (const speech of SPEECHES) found[speech] = await follow(speech, served, project);
    const figure = found["WebSocket"]!.steady_ms;
    return {
      ours: figure,
      theirs: null,
      figure,
      notes: Object.values(found).flatMap(({ notes }) => notes),
      figures: Object.fromEntries(
        Object.entries(found).flatMap(([speech, { steady_ms, burst_ms, rate, cpu_us }]) => [
          [`${speech}, steady p99 ms`, steady_ms],
          [`${speech}, burst p99 ms`, burst_ms],
          [`${speech}, events delivered per second`, rate],
          [`${speech}, processor µs per event delivered`, cpu_us],
        ]),
      ),
    };
  },
);

interface Turn extends Heard {
  /** Of the server's process, its writes' own included, for each delivery. */
  readonly cpu_us: number;
}

interface Measured {
  readonly steady_ms: number;
  readonly burst_ms: number;
  readonly rate: number;
  readonly cpu_us: number;
  readonly notes: readonly string[];
}

async function follow(
  speech: (typeof SPEECHES)[number],
  { port }: Served,
  project: { port: number; key: string },
): Promise<Measured> {
  const { key } = project;
  await using subscribers = await startSubscribers({
    port,
    key,
    channel: CHANNEL,
    speech,
    count: SUBSCRIBERS,
  });
  const turn = async ({ writes, every_ms }: typeof STEADY): Promise<Turn> => {
    const before = await cpuSeconds(port);
    const heard = await subscribers.heard(await write(project, writes, every_ms));
    const cpu_us = ((await cpuSeconds(port)) - before) * 1_000_000;
    return { ...heard, cpu_us: cpu_us / heard.delivered };
  };
  await turn({ writes: 20, every_ms: 10 });
  const steady: Turn[] = [];
  const burst: Turn[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    steady.push(await turn(STEADY));
    burst.push(await turn(BURST));
  }
  const of = (rounds: readonly Turn[], figure: (turn: Turn) => number) =>
    median(rounds.map(figure));
  const delays = (rounds: readonly Turn[]) =>
    `each p50 ${of(rounds, ({ each_ms }) => each_ms.p50).toFixed(0)}, p99 ${of(rounds, ({ each_ms }) => each_ms.p99).toFixed(0)} ms; ` +
    `last p50 ${of(rounds, ({ last_ms }) => last_ms.p50).toFixed(0)}, p99 ${of(rounds, ({ last_ms }) => last_ms.p99).toFixed(0)} ms; ` +
    `${of(rounds, ({ cpu_us }) => cpu_us).toFixed(1)} µs of our processor each`;
  const rate = of(burst, ({ delivered, elapsed_ms }) => (delivered * 1_000) / elapsed_ms);
  const busy = of(burst, (heard) => heard.busy);
  return {
    steady_ms: of(steady, ({ each_ms }) => each_ms.p99),
    burst_ms: of(burst, ({ each_ms }) => each_ms.p99),
    rate,
    cpu_us: of(burst, ({ cpu_us }) => cpu_us),
    notes: [
      `${speech}, ${STEADY.writes} writes, one every ${STEADY.every_ms} ms: ${delays(steady)}`,
      `${speech}, ${BURST.writes} writes at once: ${delays(burst)}; ${Math.round(rate)} events delivered per second, ` +
        `subscribers' process ${busy.toFixed(2)} of a core`,
    ],
  };
}
