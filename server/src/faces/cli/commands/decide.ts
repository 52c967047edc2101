import { parseJson } from "#verifier";
import type { CommandCall, Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { print } from "../print.ts";
import { usage } from "../refusals.ts";
import { withSession } from "../session.ts";

interface Answer {
  readonly id: string;
  readonly outcome: "allow" | "deny";
  readonly reasons: readonly string[];
  readonly help: string | null;
}

export const decide: Run = (command) => {
  const input = inputOf(command);
  return withSession(command, async ({ call }) => {
    const output = (await call("authz.decision.ask", input)).output as Answer;
    print(command.json, output, () => textOf(output));
    return output.outcome === "allow" ? EXIT.done : EXIT.refused;
  });
};

const textOf = ({ id, outcome, reasons, help }: Answer): string =>
  [
    `${outcome}${reasons.length > 0 ? ` by ${reasons.join(", ")}` : ""}`,
    ...(help === null ? [] : [`→ ${help}`]),
    `decision ${id}`,
  ].join("\n");

function inputOf({ values }: CommandCall): unknown {
  const action = values["action"];
  if (typeof action !== "string") throw missing("action");
  return {
    principal: { ...entity(values, "principal"), groups: values["group"] ?? [] },
    action,
    resource: entity(values, "resource"),
    context: json(values, "context", {}),
    entities: json(values, "entities", []),
    ...(typeof values["set"] === "string" ? { set: values["set"] } : {}),
  };
}

function entity(values: CommandCall["values"], name: string): { type: string; id: string } {
  const [, type, id] = /^([^:]+):(.+)$/.exec(String(values[name] ?? "")) ?? [];
  if (type !== undefined && id !== undefined) return { type, id };
  if (typeof values[name] !== "string") throw missing(name);
  throw usage("decide", `--${name} is TYPE:ID, such as ${EXAMPLES[name]}, not ${values[name]}`);
}

const EXAMPLES: Readonly<Record<string, string>> = { principal: "User:ada", resource: "Entry:1" };

function json(values: CommandCall["values"], name: string, none: unknown): unknown {
  const text = values[name];
  if (typeof text !== "string") return none;
  try {
    return parseJson(text);
  } catch {
    throw usage("decide", `--${name} is not JSON; quote it for your shell: '{"amount": 5}'`);
  }
}

const missing = (name: string) =>
  usage(
    "decide",
    `--${name} is missing; for example: --principal User:ada --action ledger.entry.get --resource Entry:1`,
  );
