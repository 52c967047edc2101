import { measure } from "./kit/claim.ts";
import { median, spread } from "./kit/rounds.ts";
import { prepare, serve } from "./kit/served.ts";

const STARTS = 7;

await measure(
  {
    name: "warm-start",
    says: "`sealbase serve` on an existing folder: process start to the first authorized 200",
    unit: "ms",
    target: 2_000,
    bound: "max",
  },
  async () => {
    using prepared = await prepare();
    const figures: number[] = [];
    for (let n = 0; n < STARTS; n++) {
      await using served = await serve(prepared);
      figures.push(served.started_ms);
    }
    const figure = median(figures);
    return { ours: figure, theirs: null, figure, notes: [spread("ours", figures)] };
  },
);
