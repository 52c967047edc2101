import { defineConfig } from "vitest/config";

const NIGHTLY = process.env["SEALBASE_NIGHTLY"] === "1";

/** Calls that cross the domains, on either engine: the same files run against both. */
const calls = (engine: "embedded" | "server") => ({
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
      { test: { name: "verifier", include: ["verifier/**/*.test.ts"] } },
      { test: { name: "sdk", include: ["sdk/**/*.test.ts"] } },
      {
        test: {
          name: "ground",
          include: ["server/src/**/*.test.ts", "server/test/*.test.ts"],
          hookTimeout: 60_000,
        },
      },
      { test: { name: "cli", include: ["server/test/cli/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000 } },
      calls("embedded"),
      calls("server"),
    ],
  },
});
