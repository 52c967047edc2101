import { measure } from "./kit/claim.ts";
import { startLoad } from "./kit/load.ts";
import { expectCount, interleave, median, medianRatio, type Side, spread } from "./kit/rounds.ts";
import { count, listen, scratch } from "./kit/scratch.ts";

const CALLERS = 64;
const ROUND_MS = 4_000;
const ROUNDS = 6;
const WARM_UP_MS = 3_000;

await measure(
  {
    name: "calls",
    says: `durable calls over HTTP, against bare single-row inserts (${CALLERS} callers each)`,
    unit: "per second",
    target: 1,
    bound: "min",
  },
  async () => {
    await using place = await scratch();
    const { system, project, admin, engine } = place;
    await admin.query(
      "create table bare (id uuid primary key, body text not null, at timestamptz default now())",
    );
    const { app, port } = await listen(system);
    let [calls, inserts] = [0, 0];
    const load = {
      calls: await startLoad("http", { port, key: project.key, callers: CALLERS }),
      inserts: await startLoad("inserts", {
        config: engine.admin,
        table: "bare",
        callers: CALLERS,
      }),
    };
    const call: Side = async () => {
      const { done, elapsed_ms } = await load.calls.run(ROUND_MS);
      calls += done;
      await sealed();
      return (done * 1000) / elapsed_ms;
    };
    const insert: Side = async () => {
      const { done, elapsed_ms } = await load.inserts.run(ROUND_MS);
      inserts += done;
      return (done * 1000) / elapsed_ms;
    };
    /** What a round leaves to the sequencer is done before the other side's turn. */
    const sealed = async () => {
      while ((await count(admin, "ledger.pending")) > 0)
        await new Promise((done) => setTimeout(done, 20));
    };
    calls += (await load.calls.run(WARM_UP_MS)).done;
    inserts += (await load.inserts.run(WARM_UP_MS / 3)).done;
    await sealed();
    const [ours, theirs] = (await interleave(ROUNDS, [call, insert])) as [number[], number[]];
    await load.calls[Symbol.asyncDispose]();
    await load.inserts[Symbol.asyncDispose]();
    await app.close();
    for (const table of [
      "vedic.transactions",
      "authz.policy_decisions",
      "vedic.fraud_scores",
      "ledger.entries",
    ])
      expectCount(table, await count(admin, table), calls);
    expectCount("bare", await count(admin, "bare"), inserts);
    return {
      ours: median(ours),
      theirs: median(theirs),
      figure: medianRatio(ours, theirs),
      notes: [spread("ours", ours), spread("theirs", theirs), `${calls} calls sealed`],
    };
  },
);
