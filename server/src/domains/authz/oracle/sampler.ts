import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Log } from "#kernel/log.ts";
import type { Metrics, ORACLE_OUTCOMES } from "#kernel/metrics.ts";
import { Refusal } from "#kernel/refusal.ts";
import { type Answer, callOf, compare, type Sample } from "./compare.ts";

/** Why a version may not decide any more. */
export interface Alarm {
  readonly sample: Sample;
  readonly because: "disagreed" | "trapped";
  /** What Cedar's engine says, or how it failed. */
  readonly facts: Readonly<Record<string, string | readonly string[]>>;
}

export interface Sampling {
  /** Of the recorded decisions, 0 to 1. */
  readonly share: number;
  /** Cedar's engine. */
  ask(call: ReturnType<typeof callOf>): Promise<Answer>;
  /** Takes the version out of use. */
  alarm(alarm: Alarm): Promise<void>;
  readonly metrics: Pick<Metrics, "oracle">;
  readonly log: Pick<Log, "warn" | "error">;
}

const WAITING_MAX = 100;
const ALARM_TRIES_MAX = 5;

type Judged =
  | { readonly outcome: "agreed" | "incomparable" | "dropped" }
  | { readonly outcome: Alarm["because"]; readonly facts: Alarm["facts"] };

/**
 * Asks Cedar's engine about a share of the decisions, one after the other and beside the calls: nobody waits for it.
 * What does not fit into the queue is dropped and counted. An alarm is given when Cedar says the same twice.
 */
export class Sampler {
  readonly #sampling: Sampling;
  readonly #waiting: { readonly sample: Sample; readonly tries: number }[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(sampling: Sampling) {
    this.#sampling = sampling;
  }

  /** Whether decisions of this id are looked at; what a sample is made of need not be gathered for the others. */
  chooses(decisionId: string): boolean {
    return isChosen(decisionId, this.#sampling.share);
  }

  add(sample: Sample): void {
    this.#add(sample, 0);
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Ends what is under way, and forgets the rest. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const _ of this.#waiting.splice(0)) this.#count("dropped");
    await this.#running;
  }

  #add(sample: Sample, tries: number): void {
    if (this.#stopped || this.#waiting.length >= WAITING_MAX) return this.#count("dropped");
    this.#waiting.push({ sample, tries });
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { sample, tries } = next;
      // What answers calls goes first.
      await setImmediate();
      try {
        await this.#look(sample);
      } catch (error) {
        // The database is away, say: what was found is found again.
        this.#sampling.log.error({ err: error, id: sample.decisionId }, "an alarm was not written");
        if (tries + 1 < ALARM_TRIES_MAX) this.#add(sample, tries + 1);
      }
    }
  }

  async #look(sample: Sample): Promise<void> {
    const first = await this.#judge(sample);
    if (!("facts" in first)) return this.#count(first.outcome);
    const second = await this.#judge(sample);
    // Both engines are functions of their input: what comes only once is the machine's.
    if (!("facts" in second) || second.outcome !== first.outcome) return this.#count("unsure");
    const { outcome: because, facts } = second;
    this.#count(because);
    if (!this.#stopped) await this.#sampling.alarm({ because, facts, sample });
  }

  async #judge(sample: Sample): Promise<Judged> {
    const answer = await this.#ask(sample);
    if ("outcome" in answer) return answer;
    const finding = compare(sample, answer);
    if (finding.outcome === "incomparable")
      this.#sampling.log.warn(
        { id: sample.decisionId, because: finding.because },
        "Cedar's engine could not be asked about a decision",
      );
    if (finding.outcome !== "disagreed") return { outcome: finding.outcome };
    const { outcome, reasons, errors } = finding.expected;
    const facts = { expected: outcome, expected_reasons: reasons, expected_errors: errors };
    return { outcome: "disagreed", facts };
  }

  async #ask(sample: Sample): Promise<Answer | Judged> {
    try {
      return await this.#sampling.ask(callOf(sample));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.code === "action/cedar_unread")
        return { type: "failure", errors: [{ message: error.message }] };
      if (error.code !== "action/cedar_trapped") return { outcome: "dropped" };
      const { cause } = error.facts;
      return { outcome: "trapped", facts: { cause: typeof cause === "string" ? cause : "" } };
    }
  }

  #count(outcome: (typeof ORACLE_OUTCOMES)[number]): void {
    this.#sampling.metrics.oracle.inc({ outcome });
  }
}

/** The same decisions on every server and at every time: by the first bits of the id's SHA-256. */
export function isChosen(decisionId: string, share: number): boolean {
  if (share <= 0) return false;
  const bits = createHash("sha256").update(decisionId).digest().readUInt32BE(0);
  return bits < share * 2 ** 32;
}
