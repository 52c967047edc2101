import { defineConfig } from "vitest/config";

const NIGHTLY = process.env["SEALBASE_NIGHTLY"] === "1";

/** For a machine that does other work, too: a test that hangs fails, one that waits for its turn does not. */
const PATIENCE_MS = NIGHTLY ? 600_000 : 30_000;

/** Calls that cross the domains, on either engine: the same files run against both. */
const calls = (engine: "embedded" | "server") => ({
  // As Node resolves: otherwise our files get another copy of `graphql` than its libraries do.
  ssr: { resolve: { conditions: ["module-sync", "node"] } },
  test: {
    name: engine,
    include: ["server/test/calls/**/*.test.ts"],
    globalSetup: [`server/test/setup/${engine}.ts`],
    testTimeout: NIGHTLY ? 600_000 : 60_000,
    hookTimeout: 60_000,
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { name: "verifier", include: ["verifier/**/*.test.ts"], testTimeout: PATIENCE_MS } },
      { test: { name: "sdk", include: ["sdk/**/*.test.ts"], testTimeout: PATIENCE_MS } },
      {
        test: {
          name: "ground",
          include: ["server/src/**/*.test.ts", "server/test/*.test.ts"],
          testTimeout: PATIENCE_MS,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "cli",
          include: ["server/test/cli/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      calls("embedded"),
      calls("server"),
    ],
  },
});
