import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isFull, measure } from "./kit/claim.ts";
import { entryRows } from "./kit/entries.ts";
import { expectCount } from "./kit/rounds.ts";
import { count, type Scratch, scratch } from "./kit/scratch.ts";

const SIZES = isFull ? [10_000, 100_000, 1_000_000] : [10_000, 100_000];
const IN_FLIGHT = 1_000;
const MB = 1024 * 1024;

interface Verified {
  readonly entries: number;
  readonly valid: boolean;
  readonly findings: unknown;
  readonly live: number;
  readonly resident: number;
  readonly elapsed_ms: number;
}

await measure(
  {
    name: "verification-memory",
    says: `most memory in use while verifying ${SIZES.at(-1)} entries, against ${SIZES[0]}`,
    unit: "MB",
    target: 1.2,
    bound: "max",
  },
  async () => {
    await using place = await scratch();
    const found: Verified[] = [];
    for (const size of SIZES) {
      await growTo(place, size);
      found.push(await verify(place, size));
    }
    const [small, large] = [found[0]!, found.at(-1)!];
    return {
      ours: large.live / MB,
      theirs: small.live / MB,
      figure: large.live / small.live,
      notes: found.map(
        ({ entries, live, resident, elapsed_ms }) =>
          `${entries} entries: ${(live / MB).toFixed(1)} MB after collection, ${Math.round(resident / MB)} MB resident, ` +
          `${(elapsed_ms / 1000).toFixed(1)} s`,
      ),
    };
  },
);

/** Appends through the committer and the sequencer, as calls do, until the log has this many entries under a checkpoint. */
async function growTo({ system, project, admin }: Scratch, size: number): Promise<void> {
  let n = await count(admin, "ledger.entries");
  const loop = async () => {
    while (n < size) {
      const { id, rows } = await entryRows(system, project.id, n++);
      await system.parts.committer.commit({ tenantId: project.id, id, rows });
      system.parts.ledger.wake(project.id);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  while ((await count(admin, `ledger.checkpoints where size = ${size}`)) === 0) await sleep(50);
}

async function verify({ project, engine }: Scratch, size: number): Promise<Verified> {
  const options = JSON.stringify({ config: engine.admin, tenantId: project.id });
  const child = fork(join(import.meta.dirname, "load/verify.ts"), [options], {
    execArgv: ["--expose-gc"],
  });
  const [verified] = (await once(child, "message")) as [Verified];
  expectCount("entries", verified.entries, size);
  if (!verified.valid) throw new Error(JSON.stringify(verified.findings));
  return verified;
}
