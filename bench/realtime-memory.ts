import { setTimeout as sleep } from "node:timers/promises";
import { isFull, measure } from "./kit/claim.ts";
import { prepare, residentMb, serve } from "./kit/served.ts";
import { CHANNEL, startSubscribers, write } from "./kit/subscribers.ts";

const SUBSCRIBERS = isFull ? 3_000 : 1_000;
const SETTLE_MS = 1_000;
const WRITES = 100;
const KB_PER_MB = 1_024;

await measure(
  {
    name: "realtime-memory",
    says: `resident memory of our process for each of ${SUBSCRIBERS} WebSocket subscribers, connected and quiet`,
    unit: "KB",
    target: 50,
    bound: "max",
  },
  async () => {
    using prepared = await prepare();
    await using served = await serve(prepared);
    const project = { port: served.port, key: prepared.key };
    const ask = { ...project, channel: CHANNEL, speech: "WebSocket" } as const;
    // What the first subscriber and the first writes load and compile is nobody's share.
    {
      await using first = await startSubscribers({ ...ask, count: 1 });
      for (let round = 0; round < 3; round++) await first.heard(await write(project, WRITES, 0));
    }
    await sleep(SETTLE_MS);
    const before = await residentMb(served.port);
    await using subscribers = await startSubscribers({ ...ask, count: SUBSCRIBERS });
    await sleep(SETTLE_MS);
    const quiet = await residentMb(served.port);
    await subscribers.heard(await write(project, WRITES, 0));
    await sleep(SETTLE_MS);
    const after = await residentMb(served.port);
    const share = (mb: number) => ((mb - before) * KB_PER_MB) / SUBSCRIBERS;
    return {
      ours: share(quiet),
      theirs: null,
      figure: share(quiet),
      notes: [
        `${Math.round(before)} MB before, ${Math.round(quiet)} MB with ${SUBSCRIBERS} subscribers, ` +
          `${Math.round(after)} MB after a burst of ${WRITES} writes to all: ${share(after).toFixed(1)} KB each`,
      ],
      figures: { "after a burst": share(after) },
    };
  },
);
