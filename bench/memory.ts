import { measure } from "./kit/claim.ts";
import { startLoad } from "./kit/load.ts";
import { prepare, residentMb, serve } from "./kit/served.ts";

const CALLS = 10_000;
const CALLERS = 64;

await measure(
  {
    name: "memory",
    says: `resident memory of our process after ${CALLS} calls`,
    unit: "MB",
    target: 150,
    bound: "max",
  },
  async () => {
    using prepared = await prepare();
    await using served = await serve(prepared);
    const before = await residentMb(served.port);
    await using load = await startLoad("http", {
      port: served.port,
      key: prepared.key,
      callers: CALLERS,
    });
    let calls = 0;
    while (calls < CALLS) calls += (await load.run(500)).done;
    const figure = await residentMb(served.port);
    return {
      ours: figure,
      theirs: null,
      figure,
      notes: [`${calls} calls by ${CALLERS} callers; ${Math.round(before)} MB after the start`],
    };
  },
);
