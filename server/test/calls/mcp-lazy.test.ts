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
  const principal = { tenantId: "t", id: "a", apiKeyId: "k", session: null };
  const parts = { metrics: openMetrics(), log: openLog("silent"), authenticate: async () => principal, addressOf: () => undefined };
  const app = openHttp(parts, operations, async () => ({ state: "ok" }));
  await app.ready();
  const look = () => loaded.filter((url) => /node_modules.@modelcontextprotocol./.test(url)).length;
  const rss_mb = () => Math.round(process.memoryUsage.rss() / 1e6);
  const atStart = { files: look(), rss_mb: rss_mb() };
  const answer = await app.inject({
    method: "POST",
    url: "/mcp",
    headers: { authorization: "Bearer k", accept: "application/json, text/event-stream" },
    payload: { jsonrpc: "2.0", id: 1, method: "tools/list" },
  });
  const tools = answer.payload.split('"inputSchema"').length - 1;
  console.log(JSON.stringify({ atStart, atFirstUse: { files: look(), rss_mb: rss_mb() }, tools }));
  process.exit();
`;

test("the library is loaded by who uses MCP first, not at the start", () => {
  const words = ["--input-type=module", "-e", CHILD];
  const told = JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" }));
  expect(told.atStart.files).toBe(0);
  expect(told.atFirstUse.files).toBeGreaterThan(3);
  expect(told.tools).toBeGreaterThan(20);
  expect(told.atFirstUse.rss_mb - told.atStart.rss_mb).toBeLessThan(60);
});
