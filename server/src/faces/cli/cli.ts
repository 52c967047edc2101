import { readArguments } from "./arguments.ts";
import type { Program } from "./command.ts";
import { commands } from "./commands.ts";
import { EXIT, exitOf, reportFailure } from "./exit.ts";
import { helpOf, helpText } from "./help.ts";
import { unlessUnread } from "./print.ts";

/**
 * Runs one command and returns its exit code. The table in commands.ts is all there is: parser, help and the
 * commands themselves are drawn from it.
 */
export async function runCli(argv: readonly string[], program: Program): Promise<number> {
  process.stdout.on("error", unlessUnread);
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(helpText(commands));
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  if (name === "--version") {
    process.stdout.write(`${(await import("#kernel/package-root.ts")).version}\n`);
    return EXIT.done;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    process.stderr.write(
      `sealbase: there is no command ${JSON.stringify(name)}. See: sealbase --help\n`,
    );
    return EXIT.usage;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    process.stdout.write(helpOf(command));
    return EXIT.done;
  }
  const json =
    rest.includes("--json") ||
    (!rest.includes("--text") && !process.stdout.isTTY && !command.alwaysText);
  try {
    const { values, operands } = readArguments(command, rest);
    const run = await command.load();
    return await run({ values, operands, json, ...program });
  } catch (error) {
    reportFailure(error, json);
    return exitOf(error);
  }
}
