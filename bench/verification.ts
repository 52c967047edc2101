import { hash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { verifyLog } from "../server/src/domains/ledger/index.ts";
import { run } from "../server/src/pipeline/index.ts";
import { measure } from "./kit/claim.ts";
import { paymentOf } from "./kit/payment.ts";
import { expectCount, interleave, median, medianRatio, spread } from "./kit/rounds.ts";
import { count, type Scratch, scratch } from "./kit/scratch.ts";

const CALLS = 20_000;
const CALLERS = 128;
const ROUNDS = 5;

await measure(
  {
    name: "verification",
    says: "full verification of a log of calls, against bare SHA-256 over the same entries and payloads",
    unit: "entries per second",
    target: 0.5,
    bound: "min",
  },
  async () => {
    await using place = await scratch();
    await fill(place);
    const bytes = await readAll(place);
    const verify = async () => {
      const start = performance.now();
      const scope = { role: "reader", tenantId: place.project.id } as const;
      const report = await place.system.parts.db.transaction(scope, (tx) => verifyLog(tx));
      const elapsed_ms = performance.now() - start;
      expectCount("entries", report.entries, CALLS);
      if (!report.valid) throw new Error(JSON.stringify(report.findings));
      return (CALLS * 1000) / elapsed_ms;
    };
    const raw = async () => {
      const start = performance.now();
      let hashed = 0;
      for (const part of bytes) hashed += hash("sha256", part, "buffer").length;
      const elapsed_ms = performance.now() - start;
      expectCount("hashes", hashed / 32, 2 * CALLS);
      return (CALLS * 1000) / elapsed_ms;
    };
    await interleave(2, [verify, raw]);
    const [ours, theirs] = (await interleave(ROUNDS, [verify, raw])) as [number[], number[]];
    const size = bytes.reduce((sum, { length }) => sum + length, 0);
    return {
      ours: median(ours),
      theirs: median(theirs),
      figure: medianRatio(ours, theirs),
      notes: [
        spread("ours", ours),
        spread("theirs", theirs),
        `${CALLS} entries of ${Math.round(size / CALLS)} bytes with their payloads; ours also reads ` +
          "and compares the rows of decisions and scores, tiles and checkpoints",
      ],
    };
  },
);

async function fill({ system, project, admin }: Scratch): Promise<void> {
  const assess = system.operations.find(({ name }) => name === "risk.transaction.assess")!;
  let n = 0;
  const loop = async () => {
    while (n < CALLS) {
      const input = paymentOf(n++);
      await run(system.parts, assess, { credential: project.key, input, acknowledge: "durable" });
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, loop));
  const settled = async () =>
    (await count(admin, "ledger.pending")) === 0 &&
    (await count(admin, `ledger.checkpoints where size = ${CALLS}`)) === 1;
  while (!(await settled())) await sleep(50);
  await admin.query("vacuum analyze");
}

async function readAll({ admin }: Scratch): Promise<Uint8Array[]> {
  const { rows } = await admin.query<{ entry: Buffer; payload: Buffer }>(
    `select e.entry, p.salt || convert_to(p.payload, 'UTF8') as payload
     from ledger.entries e join ledger.payloads p on p.entry_id = e.id order by e.index`,
  );
  return rows.flatMap(({ entry, payload }) => [entry, payload]);
}
