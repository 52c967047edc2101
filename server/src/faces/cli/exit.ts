import { Refusal } from "#kernel/refusal.ts";

/** Documented in the help and the README. */
export const EXIT = { done: 0, refused: 1, usage: 2, unavailable: 3, bug: 4 } as const;

const UNAVAILABLE = new Set(["config", "engine", "migrate"]);

export function exitOf(error: unknown): number {
  if (!(error instanceof Refusal)) return EXIT.bug;
  if (error.code === "cli/usage") return EXIT.usage;
  return UNAVAILABLE.has(error.step) ? EXIT.unavailable : EXIT.refused;
}

/** Says on standard error what went wrong: a refusal with facts and help, a bug with its stack. */
export function reportFailure(error: unknown, json: boolean): void {
  if (!(error instanceof Refusal)) {
    process.stderr.write(`sealbase: this is a bug\n${(error as Error).stack}\n`);
    return;
  }
  const { code, message, facts, help } = error;
  if (json) process.stderr.write(`${JSON.stringify({ code, message, facts, help })}\n`);
  else process.stderr.write(`${code}: ${message}\n${factLines(facts)}→ ${help}\n`);
}

const factLines = (facts: Refusal["facts"]): string =>
  Object.entries(facts)
    .map(
      ([name, value]) =>
        `  ${name}: ${typeof value === "string" ? value : JSON.stringify(value)}\n`,
    )
    .join("");
