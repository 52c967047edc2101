import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const SOURCE = join(import.meta.dirname, "../../src");
const CHILD = `
  import { registerHooks } from "node:module";
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  const { openHttp } = await import("${SOURCE}/faces/http.ts");
  const { operations } = await import("${SOURCE}/main.ts");
  const { openMetrics } = await import("${SOURCE}/kernel/metrics.ts");
  const { openLog } = await import("${SOURCE}/kernel/log.ts");
  const parts = { metrics: openMetrics(), log: openLog("silent"), addressOf: () => undefined };
  const app = openHttp(parts, operations, async () => ({ state: "ok" }));
  await app.ready();
  const look = () => loaded.filter((url) => /node_modules.(graphql|graphql-yoga|graphql-ws|@graphql-tools)./.test(url)).length;
  const rss_mb = () => Math.round(process.memoryUsage.rss() / 1e6);
  const atStart = { files: look(), rss_mb: rss_mb() };
  const answer = await app.inject({ method: "POST", url: "/graphql", payload: { query: "{ __typename }" } });
  console.log(JSON.stringify({ atStart, atFirstUse: { files: look(), rss_mb: rss_mb() }, answer: answer.payload }));
  process.exit();
`;

test("the libraries are loaded by who uses GraphQL first, not at the start", () => {
  const words = ["--input-type=module", "-e", CHILD];
  const told = JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" }));
  expect(told).toMatchObject({ atStart: { files: 0 }, answer: '{"data":{"__typename":"Query"}}' });
  expect(told.atFirstUse.files).toBeGreaterThan(50);
  expect(told.atFirstUse.rss_mb - told.atStart.rss_mb).toBeLessThan(60);
});
