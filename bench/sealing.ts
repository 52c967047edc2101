import { createHash } from "node:crypto";
import pg from "pg";
import { newId } from "../server/src/kernel/ids.ts";
import { measure } from "./kit/claim.ts";
import { expectCount, interleave, median, medianRatio, spread } from "./kit/rounds.ts";
import { count, type Scratch, scratch } from "./kit/scratch.ts";
import { ENTRY_BYTES, seal } from "./kit/sealing.ts";

const IN_FLIGHT = 512;
/** More connections than these only wait for each other's lock, and make theirs slower. */
const LOCKERS = 10;
const ROUNDS = 5;
const ENTRIES = 30_000;
const ONE_BY_ONE = 1_500;
const LOCKED_MS = 3_000;
const ENTRY = Buffer.alloc(ENTRY_BYTES, "e");

await measure(
  {
    name: "sealing",
    says: `entries appended by ${IN_FLIGHT} writers and published, against a head locked per entry on ${LOCKERS} connections`,
    unit: "per second",
    target: 30,
    bound: "min",
  },
  async () => {
    await using place = await scratch();
    const clients = await lockers(place);
    const one = () => seal(place, [place.project], { entries: ONE_BY_ONE, inFlight: LOCKERS });
    const many = () => seal(place, [place.project], { entries: ENTRIES, inFlight: IN_FLIGHT });
    const lock = () => lockPerEntry(clients);
    await interleave(1, [many, lock]);
    const figures = await interleave(ROUNDS, [many, lock, one]);
    const [ours, theirs, oneByOne] = figures as [number[], number[], number[]];
    await checkChain(place);
    for (const client of clients) await client.end();
    return {
      ours: median(ours),
      theirs: median(theirs),
      figure: medianRatio(ours, theirs),
      notes: [
        spread("ours", ours),
        spread("theirs", theirs),
        `by ${LOCKERS} writers, too: ${Math.round(median(oneByOne))}`,
      ],
    };
  },
);

async function lockers({ admin, engine }: Scratch): Promise<pg.Client[]> {
  await admin.query("create table locked_head (size bigint not null, hash bytea not null)");
  await admin.query(
    "create table locked_entries (index bigint primary key, id uuid not null unique, entry bytea not null, hash bytea not null)",
  );
  await admin.query("insert into locked_head values (0, $1)", [Buffer.alloc(32)]);
  const clients = Array.from({ length: LOCKERS }, () => new pg.Client(engine.admin));
  for (const client of clients) {
    // When a round fails the engine stops first: that failure is the one to show.
    client.on("error", () => undefined);
    await client.connect();
  }
  return clients;
}

/** The usual hash chain: whoever writes holds the head until the commit. */
async function lockPerEntry(clients: readonly pg.Client[]): Promise<number> {
  const start = performance.now();
  let done = 0;
  const loop = async (client: pg.Client) => {
    while (performance.now() - start < LOCKED_MS) {
      await client.query("begin");
      const { rows } = await client.query<{ size: string; hash: Buffer }>({
        name: "head",
        text: "select size, hash from locked_head for update",
      });
      const { size, hash } = rows[0]!;
      const next = createHash("sha256").update(hash).update(ENTRY).digest();
      await client.query({
        name: "entry",
        text: "insert into locked_entries (index, id, entry, hash) values ($1, $2, $3, $4)",
        values: [size, newId(), ENTRY, next],
      });
      await client.query({
        name: "move",
        text: "update locked_head set size = size + 1, hash = $1",
        values: [next],
      });
      await client.query("commit");
      done++;
    }
  };
  await Promise.all(clients.map(loop));
  return (done * 1000) / (performance.now() - start);
}

async function checkChain({ admin }: Scratch): Promise<void> {
  const { rows } = await admin.query<{ size: string }>("select size from locked_head");
  expectCount("locked entries", await count(admin, "locked_entries"), Number(rows[0]!.size));
}
