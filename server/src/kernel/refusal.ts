/** The five steps of a call, in order: file names, span names, metric labels, error prefixes. */
export const STEPS = ["request", "policy", "score", "action", "seal"] as const;
export type Step = (typeof STEPS)[number];

/** Where a refusal outside of a call comes from: starting, migrating, the engine, the command line. */
export type Stage = Step | "config" | "engine" | "migrate" | "cli" | "verify";

export type Fact =
  | string
  | number
  | boolean
  | null
  | readonly Fact[]
  | { readonly [key: string]: Fact };
export type Facts = { readonly [key: string]: Fact };

/**
 * An expected failure, part of the product: what happened, with which values, and what to do next.
 * Anything else that is thrown is a bug and stays one.
 */
export class Refusal extends Error {
  readonly code: `${Stage}/${string}`;
  readonly facts: Facts;
  /** One imperative sentence: what the caller can do now. */
  readonly help: string;
  /** Id of the call that this refusal was recorded for, once it was. */
  callId: string | undefined;
  /** HTTP status that the code maps to; other faces derive theirs from it. */
  readonly status: number;

  constructor(
    code: `${Stage}/${string}`,
    status: number,
    message: string,
    facts: Facts,
    help: string,
  ) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.status = status;
    this.facts = facts;
    this.help = help;
  }

  get step(): Stage {
    return this.code.slice(0, this.code.indexOf("/")) as Stage;
  }
}
