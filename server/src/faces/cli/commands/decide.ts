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
    context: context(values["context"]),
  };
}

function entity(values: CommandCall["values"], name: string): { type: string; id: string } {
  const [, type, id] = /^([^:]+):(.+)$/.exec(String(values[name] ?? "")) ?? [];
  if (type === undefined || id === undefined) throw missing(name);
  return { type, id };
}

function context(text: CommandCall["values"][string]): unknown {
  try {
    return parseJson(typeof text === "string" ? text : "{}");
  } catch {
    throw usage("decide", "--context is not JSON; quote it for your shell: '{\"amount\": 5}'");
  }
}

const missing = (name: string) =>
  usage(
    "decide",
    `--${name} is missing; for example: --principal User:ada --action doc.read --resource Doc:1`,
  );
