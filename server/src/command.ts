import { runCli } from "#faces/cli/cli.ts";

/** What `sealbase` runs. The system itself is loaded only by commands that need it, so that `--help` is quick. */
export const command = (argv: readonly string[]): Promise<number> =>
  runCli(argv, {
    openSystem: async (config, opening) => (await import("./main.ts")).openSystem(config, opening),
    operations: async () => (await import("./main.ts")).operations,
  });
