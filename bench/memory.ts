import { measure } from "./kit/claim.ts";
import { startLoad } from "./kit/load.ts";
import { prepare, serve } from "./kit/served.ts";

const CALLS = 10_000;
const CALLERS = 64;
const MB = 1024 * 1024;

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
    const before = await resident(served.port);
    await using load = await startLoad("http", {
      port: served.port,
      key: prepared.key,
      callers: CALLERS,
    });
    let calls = 0;
    while (calls < CALLS) calls += (await load.run(500)).done;
    const figure = await resident(served.port);
    return {
      ours: figure,
      theirs: null,
      figure,
      notes: [`${calls} calls by ${CALLERS} callers; ${Math.round(before)} MB after the start`],
    };
  },
);

async function resident(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)![1]) / MB;
}
