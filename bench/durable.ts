import pg from "pg";
import { newId } from "../server/src/kernel/ids.ts";
import { measure } from "./kit/claim.ts";
import { interleave, median, medianRatio, percentile, spread } from "./kit/rounds.ts";
import { type Scratch, scratch } from "./kit/scratch.ts";
import { append, ENTRY_BYTES } from "./kit/sealing.ts";

const IN_FLIGHT = 512;
/** A server keeps far fewer connections than it has calls: a commit waits for one, on either side. */
const CONNECTIONS = 10;
const ROUNDS = 5;
const COUNT = 20_000;
const ENTRY = Buffer.alloc(ENTRY_BYTES, "e");
const INSERT = "insert into bare (id, entry) values ($1, $2)";

await measure(
  {
    name: "durable",
    says: `p99 of the durable acknowledgement with ${IN_FLIGHT} entries in flight, against that of bare one-row commits on ${CONNECTIONS} connections`,
    unit: "ms",
    target: 3,
    bound: "max",
  },
  async () => {
    await using place = await scratch();
    const { system, project, admin, engine } = place;
    await admin.query("create table bare (id uuid primary key, entry bytea not null)");
    const pool = new pg.Pool({ ...engine.admin, max: CONNECTIONS });
    const ours = () => p99(() => append(system, project.id));
    const theirs = () =>
      p99(() => pool.query({ name: "bare", text: INSERT, values: [newId(), ENTRY] }));
    await interleave(1, [ours, theirs]);
    const [acknowledged, committed] = (await interleave(ROUNDS, [ours, theirs])) as [
      number[],
      number[],
    ];
    await drained(place);
    await pool.end();
    return {
      ours: median(acknowledged),
      theirs: median(committed),
      figure: medianRatio(acknowledged, committed),
      notes: [spread("ours", acknowledged), spread("theirs", committed)],
    };
  },
);

/** The 99th percentile of how long one piece of work takes while `IN_FLIGHT` are under way, in milliseconds. */
async function p99(work: () => Promise<unknown>): Promise<number> {
  const took_ms: number[] = [];
  let left = COUNT;
  const caller = async () => {
    while (left-- > 0) {
      const start = performance.now();
      await work();
      took_ms.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  return percentile(took_ms, 99);
}

async function drained({ admin }: Scratch): Promise<void> {
  const pending = async () => (await admin.query("select from ledger.pending limit 1")).rowCount;
  while (((await pending()) ?? 0) > 0) await new Promise((done) => setTimeout(done, 20));
}
