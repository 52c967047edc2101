import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const SOURCE = join(import.meta.dirname, "../../src");
const CHILD = `
  import { registerHooks } from "node:module";
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  const { openHttp } = await import("${SOURCE}/faces/http.ts");
  const { openGrpcPort } = await import("${SOURCE}/faces/grpc/port.ts");
  const { operations } = await import("${SOURCE}/main.ts");
  const { openMetrics } = await import("${SOURCE}/kernel/metrics.ts");
  const { openLog } = await import("${SOURCE}/kernel/log.ts");
  const parts = { metrics: openMetrics(), log: openLog("silent"), addressOf: () => undefined };
  const health = async () => ({ state: "ok", dependencies: [], reasons: [] });
  const app = openHttp(parts, operations, health);
  await app.ready();
  const port = await openGrpcPort({ parts, operations, health }, { host: "127.0.0.1", port: 0 });
  const look = () => loaded.filter((url) => /node_modules.@(bufbuild|connectrpc)./.test(url)).length;
  const rss_mb = () => Math.round(process.memoryUsage.rss() / 1e6);
  const [atStart, before_mb] = [look(), rss_mb()];
  const { connect } = await import("node:http2");
  const session = connect(port.url.replace("grpc:", "http:"));
  const stream = session.request({ ":method": "POST", ":path": "/no.Body/No", "content-type": "application/grpc" });
  stream.end();
  const [headers] = await new Promise((resolve) => stream.on("response", (...all) => resolve(all)));
  const more_mb = rss_mb() - before_mb;
  console.log(JSON.stringify({ atStart, after: look(), more_mb, status: headers["grpc-status"] }));
  process.exit();
`;

test("the libraries are loaded by who calls first, not at the start", () => {
  const words = ["--input-type=module", "-e", CHILD];
  const told = JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" }));
  expect(told).toMatchObject({ atStart: 0, status: "12" });
  expect(told.after).toBeGreaterThan(30);
  expect(told.more_mb).toBeLessThan(60);
});
