import type { Facts } from "#kernel/refusal.ts";
import type { Question } from "#pipeline";
import { Malformed } from "../engine/index.ts";
import { explain } from "../explain.ts";
import { completed, requestOf } from "../question.ts";
import { Pace } from "../replay/pace.ts";
import { FULL, viewOfAsker } from "../view.ts";
import type { Candidate } from "./candidate.ts";

/** What a candidate says to a question that was never asked. */
export interface Answer {
  /** Null: its schema has no such question. */
  readonly outcome: "allow" | "deny" | null;
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
  readonly why: Facts | null;
  readonly help: string | null;
}

/** The answers to questions, in their order, as if they were asked at this time, each explained in full or as far as who asks told it. */
export async function simulate(
  { version, schema }: Candidate,
  questions: readonly Question[],
  { time_ms, isFull }: { readonly time_ms: number; readonly isFull: boolean },
): Promise<Answer[]> {
  const pace = new Pace();
  const answers: Answer[] = [];
  for (const asked of questions) {
    if (pace.isOver) await pace.rest();
    try {
      const question = completed(asked, schema, time_ms);
      const request = requestOf(question);
      const traced = version.policies.trace(request);
      const { outcome, reasons, errors } = traced;
      const denied =
        outcome === "deny"
          ? explain(question, traced, isFull ? FULL : viewOfAsker(question, request))
          : null;
      answers.push({
        outcome,
        reasons,
        errors,
        why: denied?.facts ?? null,
        help: denied?.help ?? null,
      });
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      const { at, message, help } = error;
      answers.push({ outcome: null, reasons: [], errors: [], why: { at, message }, help });
    }
  }
  return answers;
}
