import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { newId } from "../server/src/kernel/ids.ts";
import { measure } from "./kit/claim.ts";
import { entryRows } from "./kit/entries.ts";
import { expectCount, interleave, median, medianRatio, spread } from "./kit/rounds.ts";
import { count, type Scratch, scratch } from "./kit/scratch.ts";

const WRITERS = 10;
/** Calls that one of our writers has under way: a call does not wait for the one before it. */
const IN_FLIGHT = 64;
const ROUNDS = 5;
const OURS_PER_WRITER = 1_500;
const OURS_ONE_BY_ONE = 150;
const LOCKED_MS = 3_000;
const ENTRY = Buffer.alloc(440, "entry ");

await measure(
  {
    name: "sealing",
    says: `entries placed and published, against a head locked per entry (${WRITERS} writers each)`,
    unit: "per second",
    target: 20,
    bound: "min",
  },
  async () => {
    await using place = await scratch();
    const clients = await lockers(place);
    const one = () => seal(place, OURS_ONE_BY_ONE, 1);
    const many = () => seal(place, OURS_PER_WRITER, IN_FLIGHT);
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
        `${IN_FLIGHT} under way per writer; one by one, each awaited on disk: ${Math.round(median(oneByOne))}`,
      ],
    };
  },
);

/** Entries a second from the first append to the signed checkpoint that covers the last one. */
async function seal(
  { system, project, admin }: Scratch,
  perWriter: number,
  inFlight: number,
): Promise<number> {
  const { committer } = system.parts;
  const before = await count(admin, "ledger.entries");
  const start = performance.now();
  const loop = async (loops: number) => {
    for (let n = 0; n < Math.floor(perWriter / loops); n++) {
      const { id, rows } = await entryRows(system, project.id, n);
      await committer.commit({ tenantId: project.id, id, rows });
      system.parts.ledger.wake(project.id);
    }
  };
  const done = Math.floor(perWriter / inFlight) * inFlight * WRITERS;
  await Promise.all(Array.from({ length: WRITERS * inFlight }, () => loop(inFlight)));
  while ((await published(admin)) < before + done) await sleep(2);
  const elapsed_ms = performance.now() - start;
  expectCount("entries", (await count(admin, "ledger.entries")) - before, done);
  return (done * 1000) / elapsed_ms;
}

async function published(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query<{ size: string | null }>(
    "select max(size) as size from ledger.checkpoints",
  );
  return Number(rows[0]!.size);
}

async function lockers({ admin, engine }: Scratch): Promise<pg.Client[]> {
  await admin.query("create table locked_head (size bigint not null, hash bytea not null)");
  await admin.query(
    "create table locked_entries (index bigint primary key, id uuid not null unique, entry bytea not null, hash bytea not null)",
  );
  await admin.query("insert into locked_head values (0, $1)", [Buffer.alloc(32)]);
  const clients = Array.from({ length: WRITERS }, () => new pg.Client(engine.admin));
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
