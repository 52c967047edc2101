import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openHttp } from "#faces/http.ts";
import { operations } from "../../src/main.ts";
import { openTestSystem, type TestSystem } from "../system.ts";

// The same program in every place where the client is meant to work: a write, its repetition, a refusal, a list, a stream.
const PROGRAM = (client: string) => `
import { eachItem, SealbaseClient } from ${JSON.stringify(client)};
export async function program(url, key) {
  const client = new SealbaseClient({ url, key });
  const payment = { type: "PAYMENT", amount_cents: 1, origin_account: "A", destination_account: "B" };
  const idempotencyKey = crypto.randomUUID();
  const first = await client.withMeta.risk.transaction.assess(payment, { idempotencyKey });
  const again = await client.withMeta.risk.transaction.assess(payment, { idempotencyKey });
  const refused = await client.risk.transaction.assess({ ...payment, amount_cents: 2e9 }).catch((error) => error.code);
  let entries = 0;
  for await (const _ of eachItem(client.ledger.entry.list, { limit: 1 })) if (++entries === 1) break;
  const heard = [];
  const watched = client.feed.event.watch({ channels: ["scores"], after: "0.0", events_max: 1 });
  for await (const { channel } of watched) heard.push(channel);
  return { repeated: [first.meta.repeated, again.meta.repeated], entry: typeof first.meta.entry?.index, refused, entries, heard };
}`;

const WANTED = {
  repeated: [false, true],
  entry: "number",
  refused: "policy/denied",
  entries: 1,
  heard: ["head", "scores"],
};

const CHROMIUM = "/usr/bin/chromium";
const isThere = (command: string): boolean => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

let system: TestSystem;
let page: Server;
let url: string;
let origin: string;
let folder: string;
let app: ReturnType<typeof openHttp>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sealbase-client-"));
  const bundle = join(folder, "client.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "../../../sdk/src/index.ts")],
    bundle: true,
    format: "esm",
    platform: "neutral",
    outfile: bundle,
  });
  writeFileSync(join(folder, "program.mjs"), PROGRAM("./client.mjs"));
  page = createServer((request, response) => {
    if (request.url === "/")
      return response.writeHead(200, { "content-type": "text/html" }).end("");
    const file = join(folder, request.url!.slice(1));
    if (!existsSync(file)) return response.writeHead(404).end();
    const built = readFileSync(file);
    response.writeHead(200, { "content-type": "text/javascript" }).end(built);
  });
  await new Promise<void>((resolve) => page.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
  system = await openTestSystem();
  const health = async () => ({ state: "ok", dependencies: [], reasons: [] }) as const;
  app = openHttp(system.parts, operations, health, { corsOrigins: [origin] });
  url = await app.listen({ port: 0, host: "127.0.0.1" });
});

afterAll(async () => {
  page.close();
  await app.close();
  await system.stop();
  rmSync(folder, { recursive: true });
});

it.skipIf(!existsSync(CHROMIUM))("works in a browser, on a page of an allowed origin", async () => {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  });
  try {
    const tab = await browser.newPage();
    await tab.goto(origin);
    const run = `import("/program.mjs").then(({ program }) => program(${JSON.stringify(url)}, ${JSON.stringify(system.home.key)}))`;
    expect(await tab.evaluate(run)).toEqual(WANTED);
    await tab.goto(origin.replace("127.0.0.1", "localhost"));
    await expect(tab.evaluate(run)).rejects.toThrow("SealbaseUnanswered");
  } finally {
    await browser.close();
  }
});

const RUNTIMES: Record<string, string[]> = {
  node: ["--input-type=module", "-e"],
  deno: ["eval", "--no-check"],
  bun: ["-e"],
};

for (const [runtime, words] of Object.entries(RUNTIMES))
  it.skipIf(!isThere(runtime))(`works in ${runtime}`, async () => {
    const program = JSON.stringify(join(folder, "program.mjs"));
    const text = `const { program } = await import(${program});
      console.log(JSON.stringify(await program(${JSON.stringify(url)}, ${JSON.stringify(system.home.key)})));`;
    const { stdout } = await promisify(execFile)(runtime, [...words, text]);
    expect(JSON.parse(stdout)).toEqual(WANTED);
  });
