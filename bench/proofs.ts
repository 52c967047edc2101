import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { receiptOf } from "../server/src/domains/ledger/receipt.ts";
import { measure } from "./kit/claim.ts";
import { plot } from "./kit/plot.ts";
import { expectCount, median, percentile } from "./kit/rounds.ts";
import { count, type Scratch, scratch } from "./kit/scratch.ts";
import { seal } from "./kit/sealing.ts";

const SIZES = [10_000, 100_000, 1_000_000];
const IN_FLIGHT = 512;
const ROUNDS = 5;
const PER_ROUND = 400;
const MB = 1024 * 1024;

interface At {
  readonly size: number;
  readonly proof_ms: number;
  readonly read_ms: number;
  readonly ratio: number;
  readonly heap_mb: number;
}

await measure(
  {
    name: "proofs",
    says: `p99 of a receipt of a random entry at ${SIZES.at(-1)!.toLocaleString("en")} entries, against a bare read of the entry by its primary key`,
    unit: "ms",
    target: 5,
    bound: "max",
  },
  async () => {
    await using place = await scratch();
    const found: At[] = [];
    for (const size of SIZES) {
      const entries = size - (await count(place.admin, "ledger.entries"));
      await seal(place, [place.project], { entries, inFlight: IN_FLIGHT });
      await place.admin.query("vacuum analyze ledger.entries, ledger.tiles, ledger.pending");
      found.push(await at(place, size));
    }
    writeFileSync(join(import.meta.dirname, "proofs.svg"), plotOf(found));
    const last = found.at(-1)!;
    return {
      ours: last.proof_ms,
      theirs: last.read_ms,
      figure: last.ratio,
      notes: found.map(
        ({ size, proof_ms, read_ms, ratio, heap_mb }) =>
          `${size.toLocaleString("en")} entries: p99 ${proof_ms.toFixed(2)} against ${read_ms.toFixed(2)} ms, ratio ${ratio.toFixed(1)}; ` +
          `${heap_mb.toFixed(1)} MB of heap after ${ROUNDS * PER_ROUND} proofs`,
      ),
      figures: Object.fromEntries(
        found.flatMap(({ size, ratio, heap_mb }) => [
          [`ratio at ${size}`, ratio],
          [`heap MB at ${size}`, heap_mb],
        ]),
      ),
    };
  },
);

/** One after the other, proofs and bare reads in turns. */
async function at({ system, project, admin }: Scratch, size: number): Promise<At> {
  expectCount("entries", await count(admin, "ledger.entries"), size);
  const { db, ledger } = system.parts;
  const scope = { role: "reader", tenantId: project.id } as const;
  const [proofs, reads]: [number[], number[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    const { rows } = await admin.query<{ id: string; index: string }>(
      `select id, index from ledger.entries where tenant_id = $1 and index = any
         (array(select floor(random() * $2)::int8 from generate_series(1, $3)))`,
      [project.id, size, PER_ROUND],
    );
    const took = { proofs: [] as number[], reads: [] as number[] };
    for (const { id, index } of rows) {
      took.proofs.push(await timed(() => db.transaction(scope, (tx) => receiptOf(tx, ledger, id))));
      took.reads.push(
        await timed(() =>
          admin.query({
            name: "bare",
            text: "select entry from ledger.entries where tenant_id = $1 and index = $2",
            values: [project.id, index],
          }),
        ),
      );
    }
    if (round === 0) continue;
    proofs.push(percentile(took.proofs, 99));
    reads.push(percentile(took.reads, 99));
  }
  globalThis.gc?.();
  return {
    size,
    proof_ms: median(proofs),
    read_ms: median(reads),
    ratio: median(proofs.map((proof, round) => proof / reads[round]!)),
    heap_mb: process.memoryUsage().heapUsed / MB,
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function plotOf(found: readonly At[]): string {
  return plot({
    title: "Receipts: what they cost as a log grows",
    x: { name: "entries", values: found.map(({ size }) => size) },
    lines: [
      { name: "receipt, p99 ms", values: found.map(({ proof_ms }) => proof_ms) },
      { name: "bare read by primary key, p99 ms", values: found.map(({ read_ms }) => read_ms) },
      { name: "heap, 100 MB", values: found.map(({ heap_mb }) => heap_mb / 100) },
    ],
  });
}
