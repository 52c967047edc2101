import { loadMasterKey, publicConfig, readConfig } from "#kernel/config.ts";
import { query, withClient } from "#kernel/db.ts";
import { ensureCompatible } from "#kernel/migrate.ts";
import { openEngine } from "#kernel/open-engine.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { print } from "../print.ts";

const CLOCK_SKEW_MAX_MS = 5_000;

interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  readonly help?: string;
}

/** One-shot job: everything that a server needs, checked in the order in which it would fail. */
export const selfcheck: Run = async ({ json, openSystem }) => {
  const config = readConfig();
  const checks: Check[] = [
    { check: "configuration", ok: true, found: JSON.stringify(publicConfig(config)) },
  ];
  const look = async (check: string, work: () => Promise<string>): Promise<void> => {
    try {
      checks.push({ check, ok: true, found: await work() });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      checks.push({ check, ok: false, found: `${error.code}: ${error.message}`, help: error.help });
    }
  };
  await look("master key", async () => `${loadMasterKey(config).length} bytes`);
  const engine = await openEngine(config, true);
  try {
    await look("schema", () =>
      withClient(engine.admin, async (client) => (await ensureCompatible(client), "current")),
    );
    await look("clock", () =>
      withClient(engine.admin, async (client) => {
        const before_ms = Date.now();
        const { rows } = await client.query<{ now: Date }>("select clock_timestamp() as now");
        const skew_ms = Math.round(rows[0]!.now.getTime() - (before_ms + Date.now()) / 2);
        if (Math.abs(skew_ms) > CLOCK_SKEW_MAX_MS) throw skewed(skew_ms);
        return `${skew_ms} ms from the database's`;
      }),
    );
  } finally {
    await engine.stop();
  }
  if (checks.every(({ ok }) => ok)) {
    await look("log and pipeline", async () => {
      const system = await openSystem(config, { migrate: false, join: true });
      try {
        const { reasons } = await system.health();
        if (reasons.length > 0) throw notReady(reasons);
        await system.parts.db.transaction({ role: "reader", tenantId: null }, (tx) =>
          query(tx, "select 1"),
        );
        return "ready";
      } finally {
        await system.stop();
      }
    });
  }
  const ok = checks.every((check) => check.ok);
  print(json, { ok, checks }, () => checks.map(line).join("\n"));
  return ok ? EXIT.done : EXIT.unavailable;
};

const line = ({ check, ok, found, help }: Check): string =>
  `${ok ? "ok   " : "WRONG"}  ${check.padEnd(18)}${found}${help === undefined ? "" : `\n       → ${help}`}`;

const skewed = (skew_ms: number) =>
  new Refusal(
    "config/clock_skew",
    503,
    `This machine's clock is ${skew_ms} ms from the database's`,
    { skew_ms, skew_max_ms: CLOCK_SKEW_MAX_MS },
    "Set both clocks by NTP.",
  );

const notReady = (reasons: readonly string[]) =>
  new Refusal(
    "engine/not_ready",
    503,
    reasons.join("; "),
    {},
    "Look at the reasons; /readyz shows the same.",
  );
