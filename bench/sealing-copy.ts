import { randomBytes } from "node:crypto";
import type pg from "pg";
import { newId } from "../server/src/kernel/ids.ts";
import { measure } from "./kit/claim.ts";
import { copyRows, int8, uuid } from "./kit/copy.ts";
import { expectCount, interleave, median, medianRatio, spread } from "./kit/rounds.ts";
import { count, scratch } from "./kit/scratch.ts";
import { ENTRY_BYTES, PAYLOAD_BYTES, seal } from "./kit/sealing.ts";

const ROUNDS = 5;
const ENTRIES = 30_000;
const IN_FLIGHT = 512;
/** Rows of one COPY and one commit: as many as the sequencer places at most at a time. */
const BATCH = 1_024;
const ENTRY = Buffer.alloc(ENTRY_BYTES, "e");
const PAYLOAD = Buffer.alloc(PAYLOAD_BYTES, "p");

let copied = 0;

await measure(
  {
    name: "sealing-copy",
    says: `entries appended by ${IN_FLIGHT} writers and published, against COPY BINARY of the same rows in batches of ${BATCH}`,
    unit: "per second",
    target: 0.5,
    bound: "min",
  },
  async () => {
    await using place = await scratch();
    const { project, admin } = place;
    await admin.query(
      "create table bare_entries (tenant_id uuid, index bigint, id uuid, entry bytea, primary key (tenant_id, index))",
    );
    await admin.query(
      "create table bare_payloads (tenant_id uuid, entry_id uuid, salt bytea, payload text, primary key (tenant_id, entry_id))",
    );
    const ours = () => seal(place, [project], { entries: ENTRIES, inFlight: IN_FLIGHT });
    const theirs = () => copy(admin, project.id);
    await interleave(1, [ours, theirs]);
    const [sealed, bare] = (await interleave(ROUNDS, [ours, theirs])) as [number[], number[]];
    return {
      ours: median(sealed),
      theirs: median(bare),
      figure: medianRatio(sealed, bare),
      notes: [spread("ours", sealed), spread("theirs", bare)],
    };
  },
);

/** Rows a second of both tables, with one fsync a batch. */
async function copy(admin: pg.Client, tenantId: string): Promise<number> {
  const start = performance.now();
  for (let done = 0; done < ENTRIES; done += BATCH) {
    const entries: Buffer[][] = [];
    const payloads: Buffer[][] = [];
    for (let i = 0; i < Math.min(BATCH, ENTRIES - done); i++) {
      const id = uuid(newId());
      entries.push([uuid(tenantId), int8(copied++), id, ENTRY]);
      payloads.push([uuid(tenantId), id, randomBytes(32), PAYLOAD]);
    }
    await admin.query("begin");
    await copyRows(admin, "bare_entries", entries);
    await copyRows(admin, "bare_payloads", payloads);
    await admin.query("commit");
  }
  const elapsed_ms = performance.now() - start;
  expectCount("copied", await count(admin, "bare_entries"), copied);
  return (ENTRIES * 1000) / elapsed_ms;
}
