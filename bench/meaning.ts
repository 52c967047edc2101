import { hash } from "node:crypto";
import { PolicySet, Schema } from "../server/src/domains/authz/engine/index.ts";
import { compareGenerated } from "../server/src/domains/authz/meaning/compare.ts";
import { changeBetween, isNews, isTold } from "../server/src/domains/authz/meaning/judge.ts";
import { Sample } from "../server/src/domains/authz/meaning/sample.ts";
import { Candidate } from "../server/src/domains/authz/preview/candidate.ts";
import { changesOf } from "../server/src/domains/authz/sets/compare.ts";
import type { Question } from "../server/src/pipeline/index.ts";
import { canonicalJson } from "../verifier/src/index.ts";
import { isFull, measure } from "./kit/claim.ts";
import { randomOf } from "./kit/drift-streams.ts";
import {
  anything,
  CHANGES,
  type Change,
  documentOf,
  plansOf,
  SCHEMA,
  usual,
} from "./kit/meaning-changes.ts";

const SEEDS = isFull ? 30 : 4;
/** Decisions of a week that the sample is taken from, and how many of each kind are asked, as the daily job does. */
const TRAFFIC = isFull ? 50_000 : 10_000;
const BOUNDS = { decisions: TRAFFIC, recorded: 2_000, generated: 2_000 };
/** Questions among which one is looked for that shows a change: where there is none, nobody can say that it is one. */
const WITNESSES = 40_000;

const schema = new Schema(SCHEMA);
const sideOf = (plans: ReturnType<typeof plansOf>) => {
  const document = documentOf(plans);
  return {
    document,
    schema,
    candidate: new Candidate({ policies: new PolicySet(document) }, schema),
  };
};
type Side = ReturnType<typeof sideOf>;

/** The first that is newly allowed or newly denied. */
const isSeen = (before: Side, after: Side, questions: Iterable<Question>): boolean => {
  for (const question of questions) {
    const verdicts = [before, after].map(({ candidate }) => candidate.ask(question, 0));
    if (isTold(changeBetween(verdicts[0]!, verdicts[1]!))) return true;
  }
  return false;
};

/** As the job chooses: of each cell few different questions, by their hashes. */
function sampled(traffic: readonly Question[]): Question[] {
  const sample = new Sample();
  for (const [i, asked] of traffic.entries()) {
    const { principal, action, resource } = asked;
    const cohort = JSON.stringify([...principal.groups].sort());
    const cell = JSON.stringify([cohort, action.id, resource.type]);
    sample.add({ id: `${i}`, question: hash("sha256", canonicalJson(asked)), cohort, cell });
  }
  return sample.chosen(BOUNDS.recorded).map(({ id }) => traffic[Number(id)]!);
}

const DETECTORS = ["text", "statements", "recorded", "generated", "both"] as const;
type Detector = (typeof DETECTORS)[number];
interface Score {
  made: number;
  unknown: number;
  found: Record<Detector, number>;
}

const scoreOf = (): Score => ({
  made: 0,
  unknown: 0,
  found: { text: 0, statements: 0, recorded: 0, generated: 0, both: 0 },
});

await measure(
  {
    name: "meaning",
    says:
      "F1 of the daily comparison of versions over injected changes of policies, of which a third say the same in other words, " +
      "against telling of every change of the text",
    unit: "F1",
    target: 1,
    bound: "min",
  },
  async () => {
    const scores = new Map<Change, Score>(CHANGES.map((change) => [change, scoreOf()]));
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = randomOf(seed * 7_919);
      const plans = plansOf(random);
      const before = sideOf(plans);
      const recorded = sampled(Array.from({ length: TRAFFIC }, () => usual(random)));
      for (const change of CHANGES) {
        const changed = change.of(plans, random);
        if (changed === undefined) continue;
        const after = sideOf(changed);
        const score = scores.get(change)!;
        const witnesses = Array.from(
          { length: WITNESSES },
          () => () => anything(random, [plans, changed]),
        );
        const differs = isSeen(before, after, lazily(witnesses));
        if (change.isSame && differs) throw new Error(`"${change.name}" does not say the same`);
        if (!change.isSame && !differs) {
          score.unknown++;
          continue;
        }
        score.made++;
        const byRecorded = isSeen(before, after, recorded);
        const both = { before: before.candidate, after: after.candidate };
        const byGenerated = isNews(
          (await compareGenerated(both, { before, after }, 0, BOUNDS)).counts,
        );
        const found: Record<Detector, boolean> = {
          text: canonicalJson(before.document) !== canonicalJson(after.document),
          statements: changesOf(before.document, after.document).length > 0,
          recorded: byRecorded,
          generated: byGenerated,
          both: byRecorded || byGenerated,
        };
        for (const name of DETECTORS) if (found[name]) score.found[name]++;
      }
    }
    const totals = Object.fromEntries(
      DETECTORS.map((name) => [name, measuredOf(scores, name)]),
    ) as Record<Detector, ReturnType<typeof measuredOf>>;
    const best = totals.text.f1 >= totals.statements.f1 ? totals.text : totals.statements;
    const all = [...scores];
    return {
      ours: totals.both.f1,
      theirs: best.f1,
      figure: totals.both.f1 / best.f1,
      notes: [
        `${SEEDS} seeds of 22 policies; ${TRAFFIC} recorded decisions, ${BOUNDS.recorded} of them and ${BOUNDS.generated} made up are asked`,
        "what is told is a question that is answered otherwise, so precision is 1 by its nature; recall is what is measured",
        `left out, because ${WITNESSES} random questions showed no difference: ${all.reduce((sum, [, { unknown }]) => sum + unknown, 0)}`,
        `${"".padEnd(36)}${DETECTORS.map((name) => name.padStart(12)).join("")}`,
        ...(["precision", "recall", "f1"] as const).map(
          (figure) =>
            `${figure.padEnd(36)}${DETECTORS.map((name) => totals[name][figure].toFixed(3).padStart(12)).join("")}`,
        ),
        ...all.map(
          ([{ name, isSame }, { made, found }]) =>
            `  ${`${name}${isSame ? " (the same)" : ""}`.padEnd(34)}${DETECTORS.map((one) => `${found[one]} of ${made}`.padStart(12)).join("")}`,
        ),
      ],
      figures: Object.fromEntries(
        DETECTORS.flatMap((name) => [
          [`${name}, precision`, totals[name].precision],
          [`${name}, recall`, totals[name].recall],
        ]),
      ),
    };
  },
);

function* lazily<T>(all: readonly (() => T)[]): Generator<T> {
  for (const one of all) yield one();
}

function measuredOf(scores: ReadonlyMap<Change, Score>, name: Detector) {
  const sums = { right: 0, wrong: 0, made: 0 };
  for (const [{ isSame }, { made, found }] of scores) {
    if (isSame) sums.wrong += found[name];
    else {
      sums.right += found[name];
      sums.made += made;
    }
  }
  const precision = sums.right / (sums.right + sums.wrong);
  const recall = sums.right / sums.made;
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall) };
}
