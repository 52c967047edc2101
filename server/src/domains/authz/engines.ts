import { ENGINE, PolicySet, type PolicySetJson } from "./engine/index.ts";

/** One version of the evaluator. Another one may decide otherwise, so every decision names the one that made it. */
export interface Engine {
  readonly name: string;
  readonly version: string;
  compile(policies: PolicySetJson): Policies;
}

/** Policies, ready to decide. */
export type Policies = Pick<PolicySet, "decide" | "trace">;

/** As decisions have it. */
export const engineText = ({ name, version }: Pick<Engine, "name" | "version">): string =>
  `${name} ${version}`;

/**
 * The engines that are there. The one that was added last makes the decisions of whoever opens policies from then on; the
 * others stay, so that what they decided can be decided again by them.
 */
export class Engines {
  #known: readonly Engine[];

  constructor(first: Engine) {
    this.#known = [first];
  }

  get current(): Engine {
    return this.#known.at(-1)!;
  }

  /** Undefined: it is not here any more. */
  named(text: string): Engine | undefined {
    return this.#known.find((engine) => engineText(engine) === text);
  }

  /** Gives what takes it away again. */
  add(engine: Engine): () => void {
    if (this.named(engineText(engine)) !== undefined)
      throw new Error(`there is an engine ${engineText(engine)} already`);
    this.#known = [...this.#known, engine];
    return () => {
      this.#known = this.#known.filter((known) => known !== engine);
    };
  }
}

export const ENGINES = new Engines({ ...ENGINE, compile: (policies) => new PolicySet(policies) });
