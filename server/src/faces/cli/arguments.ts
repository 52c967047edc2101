import { parseArgs } from "node:util";
import type { Command, CommandCall } from "./command.ts";
import { usage } from "./refusals.ts";

/** Options and operands of a command, or a refusal that says how it is called. */
export function readArguments(
  command: Command,
  argv: readonly string[],
): Pick<CommandCall, "values" | "operands"> {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { value, multiple }]) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        multiple: multiple === true,
      },
    ]),
  );
  const output = { json: { type: "boolean" as const }, text: { type: "boolean" as const } };
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...argv],
      options: { ...options, ...output },
      allowPositionals: true,
    });
  } catch (error) {
    throw usage(command.name, (error as Error).message);
  }
  const { values, positionals } = parsed;
  if (positionals.length < command.operandsMin || positionals.length > command.operandsMax)
    throw usage(command.name, `it takes ${command.usage === "" ? "no operands" : command.usage}`);
  return { values: values as CommandCall["values"], operands: positionals };
}
