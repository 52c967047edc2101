import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { ask, lives, type Scratch, scratch } from "./engine/scratch.ts";

const ROUNDS = 10;
const WRITER = join(import.meta.dirname, "engine/crash-writer.ts");

const place: Scratch = scratch();
let writer: ChildProcess | undefined;
afterAll(async () => {
  writer?.kill("SIGKILL");
  await place.close();
}, 60_000);

test("every acknowledged row survives ten kills of the owner, five of them with PostgreSQL", async () => {
  const acknowledged: string[] = [];
  const outcomes: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { pid, adopted, recovered } = await startWriter(acknowledged);
    outcomes.push(adopted ? "adopted" : recovered ? "recovered" : "new");
    const before = acknowledged.length;
    while (acknowledged.length < before + 200) await sleep(5);
    const killed = once(writer as ChildProcess, "close");
    if (round % 2 === 1) process.kill(pid, "SIGKILL");
    writer?.kill("SIGKILL");
    await killed;
    // The end of a server that died in the middle of its writing takes a moment.
    if (round % 2 === 1) await expect.poll(() => lives(pid)).toBe(false);
    else expect(lives(pid)).toBe(true);
  }
  const engine = await place.start({ settings: {} });
  expect([...outcomes, engine.recovered]).toEqual([
    "new",
    ...Array.from({ length: ROUNDS - 1 }, (_, round) =>
      round % 2 === 0 ? "adopted" : "recovered",
    ),
    true,
  ]);
  const rows = await ask<{ id: string }>(engine.admin, "SELECT id FROM written");
  const present = new Set(rows.map(({ id }) => id));
  expect(acknowledged.length).toBeGreaterThanOrEqual(200 * ROUNDS);
  expect(acknowledged.filter((id) => !present.has(id))).toEqual([]);
}, 120_000);

async function startWriter(acknowledged: string[]) {
  writer = spawn(process.execPath, [WRITER, join(place.path, "data")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const started = Promise.withResolvers<{ pid: number; adopted: boolean; recovered: boolean }>();
  writer.once("exit", (code) => started.reject(new Error(`the writer ended with ${code}`)));
  const lines = createInterface({ input: writer.stdout as NodeJS.ReadableStream });
  lines.on("line", (line) => {
    if (line.startsWith("ready ")) started.resolve(JSON.parse(line.slice(6)));
    else acknowledged.push(line);
  });
  return started.promise;
}
